# The auditor's own image: podman build -t auditor . ; podman run --rm auditor scan nginx:latest
#
# It runs as nobody and keeps nothing. An archive comes on standard input, a layout by a volume:
#   podman save app | podman run --rm -i auditor scan -
#   podman run --rm -v "$PWD/layout:/work/layout:ro" auditor scan oci-dir:layout
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY auditor ./auditor
COPY signatures ./signatures
RUN python3 -m venv /opt/auditor \
 && /opt/auditor/bin/python -m pip install --no-cache-dir --disable-pip-version-check . \
 && /opt/auditor/bin/auditor --version

FROM ${BASE}
LABEL org.opencontainers.image.title="auditor" \
      org.opencontainers.image.description="Tells, with proof, which parts of a container image can become WebAssembly." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/auditor /opt/auditor
ENV PATH=/opt/auditor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/var/cache/auditor
RUN install --directory --owner=65534 --group=65534 --mode=0700 /var/cache/auditor
WORKDIR /work
USER 65534:65534
# The compiled tables are made once, so that no run has to.
RUN auditor tables >/dev/null
ENTRYPOINT ["auditor"]
CMD ["--help"]
