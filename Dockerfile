# onemaster with its sample: the container answers without a network as soon as it has started.
#
#   docker build --build-arg TORCH_INDEX=<url of CPU wheels> --tag onemaster .
#   docker build --build-arg VARIANT=slim --tag onemaster:slim .
#   docker run --rm --publish 8002:8002 onemaster
#   docker run --rm --publish 8002:8002 --volume "$PWD/work:/app/work" onemaster serve --host 0.0.0.0 --data work
#
# Without a daemon, or without a registry for BASE: deploy/build-image.sh.

# Debian with Python 3.11 or 3.12 and its venv module.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build

# slim leaves out torch and what builds on it: the default encoder does without, other encoders and fine-tuning do not.
ARG VARIANT=full
# Of pyproject.toml, with commas between them: s3, telemetry, kuberay.
ARG EXTRAS=""
# Where torch comes from. The CPU wheels save several gigabytes; empty means the default index.
ARG TORCH_INDEX=""

ENV PATH="/opt/venv/bin:$PATH" \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# The dependencies stand in a layer of their own, so that a change of code does not install them again. Their test suites,
# C++ headers and torch's own test programs, about 350 MB, serve nobody here.
WORKDIR /app
COPY pyproject.toml constraints.txt ./
COPY deploy/requirements.py deploy/
RUN python3 -m venv /opt/venv \
    && python deploy/requirements.py "$VARIANT" "$EXTRAS" > /tmp/requirements.txt \
    && if [ -n "$TORCH_INDEX" ] && [ "$VARIANT" = full ]; then \
        python -m pip install --no-deps --index-url "$TORCH_INDEX" --constraint constraints.txt torch; \
    fi \
    && python -m pip install --constraint constraints.txt --requirement /tmp/requirements.txt \
    && find /opt/venv/lib -type d \( -name tests -o -path '*/torch/test' -o -path '*/torch/include' \) -prune -exec rm -r {} + \
    && find /opt/venv/lib -path '*/torch/bin/*' ! -name torch_shm_manager -delete


# What is installed, for those who look for known weaknesses in it. The tool itself stays outside. The image has the
# Debian packages of its base and no others.
FROM build AS bill
COPY deploy/debian_packages.py deploy/
RUN python3 -m venv /opt/bill \
    && /opt/bill/bin/python -m pip install --constraint constraints.txt cyclonedx-bom \
    && /opt/bill/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
        --output-file /sbom.cdx.json /opt/venv \
    && python3 deploy/debian_packages.py /sbom.cdx.json


FROM build AS made
COPY . .
RUN python -m pip install --no-deps --editable . \
    && onemaster sample --data /data \
    && onemaster train --data /data \
    && onemaster rebuild --data /data


FROM ${BASE}

ENV HF_HUB_OFFLINE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PATH="/opt/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/.cache
RUN groupadd --gid 10001 onemaster \
    && useradd --uid 10001 --gid onemaster --no-create-home --no-log-init --shell /usr/sbin/nologin onemaster
COPY --from=made /opt/venv /opt/venv
COPY --from=made /app /app
COPY --from=bill /sbom.cdx.json /app/
# Owned by the service, so that import, train and rebuild can be run in the container too.
COPY --from=made --chown=10001:10001 /data /app/data
WORKDIR /app
USER 10001
# Everybody who reaches the port may read. Who may write is said with ONEMASTER_KEYS.
ENV ONEMASTER_READ=open \
    ONEMASTER_WRITE=key
EXPOSE 8002
# With a read-only root file system this is what has to be writable, beside the data folder.
VOLUME /tmp
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8002/ready', timeout=4)"]
ENTRYPOINT ["onemaster"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8002"]
