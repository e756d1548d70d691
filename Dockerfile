# Counterpoint: one static binary, the certificate authorities it trusts, and nothing else.
#
# Until a release the runner builds this file for each job that says `uses:`. A release pulls the finished image by digest
# instead (.github/workflows/release.yml).
#
# RUST_IMAGE is an argument so that a build can name its own base: the release resolves the tag to a digest once and builds
# every architecture from that digest; .ci/image builds offline from a stand-in. No digest is written here, because one that
# nobody looked up would be a guess.
ARG RUST_IMAGE=rust:1.95-slim-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /build

# A fully static binary (glibc included). Naming the target, even though it is the host, keeps the flag away from build
# scripts and proc-macros, which cannot be linked that way.
ENV RUSTFLAGS="-C target-feature=+crt-static"

# The dependencies first, against an empty crate: they change far less often than the code does.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo '//! Nothing yet.' > src/lib.rs \
    && printf '//! Nothing yet.\nfn main() {}\n' > src/main.rs \
    && cargo build --locked --release --bin counterpoint --target "$(rustc --print host-tuple)"

# `touch`: the copied files may be older than the empty ones they replace, and cargo goes by time.
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --locked --release --bin counterpoint --target "$(rustc --print host-tuple)" \
    && cp "target/$(rustc --print host-tuple)/release/counterpoint" /counterpoint

FROM scratch
LABEL org.opencontainers.image.title="Counterpoint" \
      org.opencontainers.image.description="Two reviewers from two providers read every pull request" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE-MIT LICENSE-APACHE /licenses/
COPY --from=build /counterpoint /counterpoint
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# No USER: the workspace that the runner mounts belongs to the runner's user, and GitHub asks container actions to be root.
# Exec form: a shell would lose the INPUT_ variables that have a hyphen in their name (and there is no shell here).
ENTRYPOINT ["/counterpoint"]
