# syntax=docker/dockerfile:1
# The base image is an argument, so that a build without a registry can name an image of its own. It needs Python 3.11 or
# newer with venv; whatever else is in it stays behind.
ARG BASE=python:3.11-slim-bookworm

# Installs Slugline, trains the default model, and assembles in /image the files that these two need to run.
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# The compiled code needs a C compiler to be built, and none to run.
RUN command -v gcc > /dev/null \
 || (apt-get update -qq && apt-get install -qq --yes --no-install-recommends gcc libc6-dev > /dev/null)
WORKDIR /build
# Bytecode of Python's own modules is written again beside those that Slugline imports.
RUN python3 -m venv --copies /opt/slugline \
 && find "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" -name '*.pyc' -delete
COPY requirements.lock ./
# Where a proxy with an authority of its own stands before the package index, its certificates come as a build secret.
RUN --mount=type=secret,id=certificates \
    [ ! -e /run/secrets/certificates ] || export PIP_CERT=/run/secrets/certificates; \
    /opt/slugline/bin/pip install --quiet --no-compile --require-hashes -r requirements.lock \
 && strip --strip-debug /opt/slugline/lib/python*/site-packages/uvloop/*.so
COPY pyproject.toml README.md LICENSE ./
COPY slugline slugline
COPY service service
COPY training training
RUN /opt/slugline/bin/pip install --quiet --no-compile --no-deps --no-build-isolation .
COPY seeds seeds
# From a folder without the sources, so that Python writes its bytecode beside what was installed.
WORKDIR /
RUN /opt/slugline/bin/slugline train --data /build/seeds --models /models
COPY deploy/image/assemble.py /build/
RUN /opt/slugline/bin/python /build/assemble.py --models /models --to /image

# From nothing: no shell, no package manager, no compiler, no pip, nothing setuid.
FROM scratch
LABEL org.opencontainers.image.title="Slugline" \
      org.opencontainers.image.description="Says which topics a news article is about" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image /
# Inside of a container every address is one that others can reach: it serves only with SLUGLINE_TLS_CERT and
# SLUGLINE_TLS_KEY, or with SLUGLINE_INSECURE=true where the platform keeps the network. Health has a port of its own,
# where probes need no TLS. See docs/access.md.
ENV PATH=/opt/slugline/bin \
    LANG=C.UTF-8 \
    JOBLIB_MULTIPROCESSING=0 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SLUGLINE_ADDRESS=0.0.0.0:50051 \
    SLUGLINE_HEALTH_ADDRESS=0.0.0.0:50052 \
    SLUGLINE_LOG_FORMAT=json \
    SLUGLINE_MODEL=/models \
    SLUGLINE_MODELS=/models
USER 10001:10001
WORKDIR /tmp
# The image as it ships loads its model by the digests and answers; a build whose image cannot is no build.
RUN ["slugline", "models"]
RUN ["slugline", "classify", "Envoys met in Geneva for ceasefire talks while artillery shelled the northern suburbs."]
EXPOSE 50051 50052 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["slugline", "health", "--address", "127.0.0.1:50052"]
ENTRYPOINT ["slugline"]
CMD ["serve"]
