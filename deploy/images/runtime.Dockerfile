# The runtime: `octo` with the connectors of EXTRAS, for pods and containers that run flows. From the root of the checkout:
#
#   docker buildx build --file deploy/images/runtime.Dockerfile --platform linux/amd64,linux/arm64 \
#     --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD) --tag REGISTRY/octo-runtime:0.1.0 --push .
#
# All packages are those of uv.lock and build.txt, by checksum. For an image that can be made again byte by byte give
# PYTHON with its digest, SOURCE_DATE_EPOCH, and --output type=image,rewrite-timestamp=true.
ARG PYTHON=docker.io/library/python:3.13.9-slim-trixie

FROM ${PYTHON} AS build
ARG EXTRAS="postgres nats redis amqp mqtt crypto"
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY deploy/images/build.txt ./
RUN python3 -m pip install --require-hashes --only-binary :all: --requirement build.txt
COPY pyproject.toml uv.lock ./
RUN site=/rootfs$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
    && uv export --quiet --frozen --no-dev --no-emit-project $(printf -- '--extra=%s ' $EXTRAS) --output-file lock.txt \
    && uv pip install --system --no-deps --require-hashes --build-constraints build.txt --target "$site" --requirement lock.txt
COPY README.md LICENSE hatch_build.py ./
COPY octo ./octo
COPY octo_platform ./octo_platform
COPY docs ./docs
COPY samples ./samples
RUN site=/rootfs$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
    && uv build --quiet --wheel --build-constraints build.txt --require-hashes --out-dir wheel \
    && uv pip install --system --no-deps --target "$site" wheel/*.whl \
    && rm -rf "$site/bin" \
    && find "$site" \( -name direct_url.json -o -name uv_cache.json -o -path '*/octo_flows-*/RECORD' \) -delete
COPY deploy/images/octo /rootfs/usr/local/bin/octo
COPY scripts/cluster/rootfs.py ./
RUN python3 rootfs.py /rootfs

# Python, its libraries and certificates: no shell, no package manager.
FROM scratch
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Octo" \
    org.opencontainers.image.description="Runs flows: octo run" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT"
COPY --from=build /rootfs /
COPY --from=build --chown=65532:65532 /rootfs/flows /flows
ENV PATH=/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
WORKDIR /flows
ENTRYPOINT ["octo"]
CMD ["--help"]
