# make demo    builds, fetches the model, ingests a sample folder, searches it three times, and serves it
# make test    every test; what a test needs is provided first
# make check   formatting, lints, documentation
# make soak    the long random tests
# make cuda    models on an NVIDIA GPU: builds, compares with the CPU, times; builds only where there is no GPU
# make bench   the figures of benches/README.md
#
# Needs Rust, a C compiler, make, and Python 3 with pip. No root, no system packages.

# One target folder for every clone, outside the clone, since the dependencies take most of an hour to build.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/ragstone/target
RAGSTONE_MODELS ?= $(HOME)/.cache/ragstone/models
export RAGSTONE_MODELS
export RAGSTONE_TEST_MODEL ?= $(RAGSTONE_MODELS)/all-MiniLM-L6-v2

BIN = $(CARGO_TARGET_DIR)/release/ragstone
DEMO ?= $(HOME)/.cache/ragstone/demo

.PHONY: build model demo test check fmt lint doc soak cuda bench

build:
	cargo build --release --workspace --bins

model:
	python3 models/fetch.py "$(RAGSTONE_MODELS)"

demo: build model
	BIN="$(BIN)" DEMO="$(DEMO)" DEMO_EXIT="$(DEMO_EXIT)" sh tests/demo.sh

test: model
	cargo test --release --workspace

check: fmt lint doc

fmt:
	cargo fmt --all --check

# The lints run as the compiler of the workspace's own packages, so that no dependency is built a second time for them; what
# comes out is not optimised, so the real binary is put back in its place.
lint:
	RUSTC_WORKSPACE_WRAPPER="$$(pwd)/.cargo/lint" cargo build --release --workspace --all-targets
	cargo build --release --workspace --bins

doc:
	RUSTDOC="$$(pwd)/.cargo/doc" cargo test --release --workspace --doc

soak: model
	RAGSTONE_SOAK=1 cargo test --release --test integration -- crash:: model:: planned::
	RAGSTONE_SOAK=1 cargo test --release --workspace --test ingest -- hostile::

cuda: model
	sh tests/cuda.sh

bench: build model
	cargo bench --bench serve -- 100000
	cargo bench --bench ingest -- "$(RAGSTONE_MODELS)"
	cargo bench --bench instructions
