# Needs an image with Python 3.11 or newer and venv, the same for building and for running.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
# The only step that needs a network: every file is checked against its hash, and nothing is compiled.
COPY requirements.txt requirements-build.txt ./
RUN python3 -m venv tools && \
    tools/bin/pip download --no-cache-dir --require-hashes --no-deps --only-binary :all: --dest wheels \
      -r requirements.txt -r requirements-build.txt
COPY LICENSE README.md pyproject.toml ./
COPY exporter exporter
RUN tools/bin/pip install --no-cache-dir --no-index --find-links wheels --require-hashes -r requirements-build.txt && \
    tools/bin/pip wheel --no-cache-dir --no-index --no-deps --no-build-isolation --wheel-dir wheels . && \
    python3 -m venv --without-pip /opt/m365-backup-exporter && \
    tools/bin/pip --python /opt/m365-backup-exporter/bin/python install --no-cache-dir --no-index \
      --find-links wheels --no-deps --require-hashes -r requirements.txt && \
    tools/bin/pip --python /opt/m365-backup-exporter/bin/python install --no-cache-dir --no-index \
      --find-links wheels --no-deps m365-backup-exporter

FROM ${BASE}
ARG BASE
ARG VERSION=unknown
LABEL org.opencontainers.image.title="m365-backup-exporter" \
      org.opencontainers.image.description="Prometheus exporter for backups of Microsoft 365 tenants" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /opt/m365-backup-exporter /opt/m365-backup-exporter
ENV PATH=/opt/m365-backup-exporter/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    STATE_DIRECTORY=/var/lib/m365-backup-exporter
# Nothing can be installed in it afterwards. The program is run once, which shows that it is whole, and leaves the
# bytecode of what it imports: some images have none of their own, and the root file system may be read-only later.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip && \
    useradd --no-log-init --uid 65532 --user-group --no-create-home --home-dir /var/lib/m365-backup-exporter \
      --shell /usr/sbin/nologin exporter && \
    install --directory --owner=65532 --group=65532 --mode=0700 /var/lib/m365-backup-exporter && \
    m365-backup-exporter version
# A number, for Kubernetes cannot tell that a name is not root's.
USER 65532:65532
WORKDIR /var/lib/m365-backup-exporter
VOLUME /var/lib/m365-backup-exporter
EXPOSE 10365
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s --retries=3 \
  CMD ["m365-backup-exporter", "healthcheck", "--config", "/etc/m365-backup-exporter/config.yaml"]
ENTRYPOINT ["m365-backup-exporter"]
CMD ["run", "--config", "/etc/m365-backup-exporter/config.yaml"]
