# The image holds one static program, the roots of trust for TLS, and a folder for the store.
#
#   docker build --build-arg DELTRAIL_REVISION="$(git rev-parse HEAD)" --tag deltrail .
#
# It builds for the platform that it runs on, x86_64 or aarch64.

FROM rust:1.95-bookworm AS builder
WORKDIR /source

# Dependencies come from the manifests and the lock file alone, with empty sources, so that this
# layer is built again only when one of these changes. What was built of the empty sources must go:
# Cargo compares times, and the real ones may be older.
COPY Cargo.toml Cargo.lock ./
COPY .cargo/config.toml .cargo/
COPY core/Cargo.toml core/
RUN mkdir -p src core/src \
    && touch src/lib.rs core/src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked --bin deltrail \
    && cargo clean --release --package deltrail --package deltrail-core

COPY build.rs ./
COPY scripts/build-static-program scripts/
COPY src src
COPY core/src core/src
ARG DELTRAIL_REVISION=unknown
RUN scripts/build-static-program release \
    && mkdir -p /image/store /image/root/var/lib /image/root/etc/ssl/certs \
    && cp target/static/release/deltrail /image/root \
    && cp /etc/ssl/certs/ca-certificates.crt /image/root/etc/ssl/certs

FROM scratch AS final
COPY LICENSE /
COPY --from=builder /image/root /
# An empty folder, so that a new volume belongs to the user that writes to it.
COPY --from=builder --chown=65532:65532 /image/store /var/lib/deltrail

ENV DELTRAIL_STORE=sqlite:///var/lib/deltrail/deltrail.db
# See docs/adr/0004: each arena of the C library keeps what was freed in it.
ENV MALLOC_ARENA_MAX=2
USER 65532:65532
# SQLite puts temporary files here when the root is read-only; `deltrail.toml` is looked for here.
WORKDIR /var/lib/deltrail
VOLUME ["/var/lib/deltrail"]
EXPOSE 10118
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/deltrail", "healthcheck"]
ENTRYPOINT ["/deltrail"]
CMD ["run"]

ARG DELTRAIL_REVISION=unknown
LABEL org.opencontainers.image.title="deltrail" \
    org.opencontainers.image.description="Tells the owners of S3 buckets what was deleted, by whom, how fast, and how long it took" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="${DELTRAIL_REVISION}"
