# syntax=docker/dockerfile:1
# The base image is an argument, so that a build without a registry can name an image of its own.
ARG BASE=python:3.11-slim-bookworm

# Builds the virtual environment and trains the default model; nothing of it but those two goes into the image.
FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
# The compiled code needs a C compiler to be built, and none to run.
RUN command -v gcc > /dev/null \
 || (apt-get update -qq && apt-get install -qq --yes --no-install-recommends gcc libc6-dev > /dev/null)
WORKDIR /build
RUN python3 -m venv --copies /opt/slugline
COPY requirements.lock ./
RUN /opt/slugline/bin/pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY slugline slugline
COPY service service
COPY training training
RUN /opt/slugline/bin/pip install --quiet --no-deps --no-build-isolation .
COPY seeds seeds
RUN /opt/slugline/bin/slugline train --data seeds --models /models \
 && /opt/slugline/bin/pip uninstall --quiet --yes setuptools pip \
 && /opt/slugline/bin/python -m compileall -q /opt/slugline/lib

FROM ${BASE}
LABEL org.opencontainers.image.title="Slugline" \
      org.opencontainers.image.description="Says which topics a news article is about" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 slugline && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin slugline
COPY --from=build /opt/slugline /opt/slugline
COPY --from=build --chown=root:root /models /models
# Inside of a container every address is one that others can reach, and who they are is the platform's to say; so it
# serves without TLS unless SLUGLINE_TLS_CERT and SLUGLINE_TLS_KEY are set. Health has a port of its own, where probes
# need no TLS. See docs/access.md.
ENV PATH=/opt/slugline/bin:$PATH \
    JOBLIB_MULTIPROCESSING=0 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SLUGLINE_ADDRESS=0.0.0.0:50051 \
    SLUGLINE_HEALTH_ADDRESS=0.0.0.0:50052 \
    SLUGLINE_INSECURE=true \
    SLUGLINE_LOG_FORMAT=json \
    SLUGLINE_MODELS=/models
USER 10001:10001
EXPOSE 50051 50052
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["slugline", "health", "--address", "127.0.0.1:50052"]
ENTRYPOINT ["slugline"]
CMD ["serve"]
