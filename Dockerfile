# One image for both of Dataflow's roles: the launcher of the Flex Template and the workers of its job.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag IMAGE .
#
# Every base can be given otherwise, and with its digest, so that a tag that moves changes nothing:
#   --build-arg PYTHON_IMAGE=python:3.11.15-slim-bookworm@sha256:...
# The launcher's tags: cloud.google.com/dataflow/docs/reference/flex-templates-base-images
ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm
ARG BEAM_IMAGE=apache/beam_python3.11_sdk:2.77.0
ARG LAUNCHER_IMAGE=gcr.io/dataflow-templates-base/python311-template-launcher-base:20240812-rc01

FROM ${BEAM_IMAGE} AS beam

FROM ${LAUNCHER_IMAGE} AS launcher


# Into the image's own Python: Beam's boot calls the `python` on the path, where a virtual environment could be missed.
FROM ${PYTHON_IMAGE} AS dependencies

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

COPY requirements.txt /tmp/

# Wheels, held to their hashes. Only google-apitools comes as source (pure Python): what builds it is the setuptools of
# requirements.txt, installed first, for an isolated build would download one that no hash is held against.
RUN sed -n '/^setuptools==/,/[^\\]$/p' /tmp/requirements.txt > /tmp/setuptools.txt \
    && pip install --no-deps --require-hashes --only-binary=:all: --requirement /tmp/setuptools.txt \
    && pip install --no-deps --require-hashes --only-binary=:all: --no-binary=google-apitools --no-build-isolation \
        --requirement /tmp/requirements.txt \
    && pip check \
    && rm /tmp/requirements.txt /tmp/setuptools.txt


# A stage of its own, so that neither the sources nor what building them leaves behind is in the image.
FROM dependencies AS package

WORKDIR /source
COPY LICENSE README.md pyproject.toml ./
COPY producers producers
COPY streaming streaming
RUN pip install --no-deps --no-build-isolation --prefix=/package .


# It runs as root, because Dataflow's workers need it: they mount directories of the host, owned by root, under /var/opt
# and Beam's boot writes there what it stages (github.com/pangeo-data/pangeo-docker-images/pull/360). One image serves
# both roles, so the launcher does, too. Nothing else asks for root: the program writes to temporary files alone, so
# away from Dataflow (`docker run --user=65534 --entrypoint=pubsub-inference IMAGE check ...`) any user does.
FROM dependencies AS template

COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher
COPY --from=package /package /usr/local

# The entry alone, away from its package: Python puts the directory of the file that it runs first on its path, and
# there the package's modules (`inputs`, `metrics`, `schema`, ...) would go before anyone else's of these names.
WORKDIR /template
COPY streaming/main.py main.py

# No FLEX_TEMPLATE_PYTHON_REQUIREMENTS_FILE and no FLEX_TEMPLATE_PYTHON_SETUP_FILE: they install at every launch what is
# here already. For the same reason Beam's boot needs no virtual environment for each worker.
# oneDNN's allocator never gives memory back (streaming/quiet.py); of TensorFlow's C++ only errors are logged. The C
# library, for its part, keeps up to 128 MiB for the next batch: giving it back after each costs a third of the CPU.
ENV FLEX_TEMPLATE_PYTHON_PY_FILE=/template/main.py \
    RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    MALLOC_MMAP_THRESHOLD_=33554432 \
    MALLOC_TRIM_THRESHOLD_=134217728 \
    TF_CPP_MIN_LOG_LEVEL=2 \
    TF_ENABLE_ONEDNN_OPTS=0

ARG REVISION=unknown
LABEL org.opencontainers.image.title="pubsub-inference" \
      org.opencontainers.image.description="Streaming TensorFlow inference on Pub/Sub with Apache Beam: keyed messages in, keyed predictions out" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

# A worker's command; the launcher is started by the service, which names its binary itself.
ENTRYPOINT ["/opt/apache/beam/boot"]
