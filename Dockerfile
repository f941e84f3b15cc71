# onemaster with its sample: the container answers without a network as soon as it has started.
#
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu --tag onemaster .
#   docker run --rm --publish 8002:8002 onemaster
#   docker run --rm --publish 8002:8002 --volume "$PWD/work:/app/work" onemaster serve --host 0.0.0.0 --data work

FROM python:3.11-slim AS build

# Where torch comes from. The CPU wheels save several gigabytes; empty means the default index.
ARG TORCH_INDEX=""

ENV PATH="/opt/venv/bin:$PATH" \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# The dependencies stand in a layer of their own, so that a change of code does not install them again. Their test suites
# and C++ headers, about 300 MB, serve nobody here.
WORKDIR /app
COPY pyproject.toml constraints.txt ./
RUN python -m venv /opt/venv \
    && if [ -n "$TORCH_INDEX" ]; then \
        python -m pip install --no-deps --index-url "$TORCH_INDEX" --constraint constraints.txt torch; \
    fi \
    && python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > /tmp/requirements.txt \
    && python -m pip install --constraint constraints.txt --requirement /tmp/requirements.txt \
    && find /opt/venv/lib -type d \( -name tests -o -path '*/torch/test' -o -path '*/torch/include' \) -prune -exec rm -r {} +

COPY . .
RUN python -m pip install --no-deps --editable . \
    && onemaster sample --data /data \
    && onemaster train --data /data \
    && onemaster rebuild --data /data


FROM python:3.11-slim

ENV HF_HUB_OFFLINE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PATH="/opt/venv/bin:$PATH" \
    PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin onemaster
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# Owned by the service, so that import, train and rebuild can be run in the container too.
COPY --from=build --chown=10001:10001 /data /app/data
WORKDIR /app
USER 10001
# Everybody who reaches the port may read. Who may write is said with ONEMASTER_KEYS.
ENV ONEMASTER_READ=open \
    ONEMASTER_WRITE=key
EXPOSE 8002
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8002/ready', timeout=4)"]
ENTRYPOINT ["onemaster"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8002"]
