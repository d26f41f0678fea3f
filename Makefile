# Two commands do everything on a fresh machine: `make serve` runs Slugline, `make test` runs every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ADDRESS ?= 127.0.0.1:50051

.PHONY: serve test lint types tests bench soak image sbom audit protos lock clean

serve: $(VENV)/.installed ## train the default model if the seeds have changed, then serve it
	@$(BIN)/slugline train --data seeds --if-changed --promote
	@exec $(BIN)/slugline serve --address $(ADDRESS)

test: lint types tests ## every check there is

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/buf lint protos
	$(BIN)/buf breaking protos --against protos/released.binpb

types: $(VENV)/.installed-dev
	$(BIN)/mypy

tests: $(VENV)/.installed-dev
	$(BIN)/pytest --numprocesses auto --dist loadgroup

bench: $(VENV)/.installed-dev ## measure speed beside the alternatives, into benchmarks/results
	@$(BIN)/slugline train --data seeds --if-changed --promote
	$(BIN)/python -m benchmarks $(BENCH_OPTIONS)

soak: $(VENV)/.installed-dev ## fuzz, soak, reload, overload and kill for some two hours, into benchmarks/results
	@$(BIN)/slugline train --data seeds --if-changed --promote
	$(BIN)/python -m benchmarks.soak

image: $(VENV)/.installed-dev ## build the container image, run it, hold it to its promises; see deploy/image/README.md
	$(BIN)/python -m deploy.image --to build/image $(IMAGE_OPTIONS)

sbom: build/image/sbom.cdx.json ## list what the image is made of; building the image writes it

build/image/sbom.cdx.json: Dockerfile requirements.lock
	@$(MAKE) image

audit: $(VENV)/.installed-dev ## look every locked dependency up in a vulnerability service
	@$(BIN)/python -m deploy.supply_chain.audit requirements.lock || { code=$$?; \
		[ $$code -eq 75 ] && echo "make audit: SKIPPED. Nothing was audited, which is no pass."; [ $$code -eq 75 ]; }

# Stubs land where their proto stands; `inference` is mapped below slugline/, for its name is too generic for site-packages.
protos: $(VENV)/.installed-dev ## write the Python stubs in slugline/ and in the Python client from protos/ again
	$(BIN)/python -m grpc_tools.protoc --proto_path=protos --proto_path=slugline/inference=protos/inference \
		--python_out=. --pyi_out=. --grpc_python_out=. \
		$$(cd protos && find slugline inference -name '*.proto' | sed 's,^inference/,slugline/inference/,')
	$(BIN)/python -m grpc_tools.protoc --proto_path=slugline_client/wire=protos/slugline/v1 --proto_path=clients/python \
		--python_out=clients/python --pyi_out=clients/python slugline_client/wire/classification.proto slugline_client/wire/status.proto
	sed -i.old 's/^from google.protobuf import descriptor_pool as/from slugline_client.wire import pool as/' \
		clients/python/slugline_client/wire/*_pb2.py && rm clients/python/slugline_client/wire/*.old

lock: $(VENV)/.installed-dev ## resolve the dependencies again, with hashes and without any index
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links pyproject.toml --extra tracing --extra formats --extra storage --extra dask --group build --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links pyproject.toml --extra tracing --group build -c requirements-dev.lock -o requirements.lock

clean:
	rm -rf $(VENV) models/*/ slugline/compiled/*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Slugline needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.lock pyproject.toml $(wildcard slugline/compiled/*.[ch])
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	@touch $@
