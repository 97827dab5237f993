#!/bin/sh
# On a machine with an NVIDIA GPU: builds the models crate for it, compares its vectors with those of the CPU, and times it.
# Needs nvcc on the PATH and the driver. It has a target folder of its own, since candle is built anew for it.
set -eu
cd "$(dirname "$0")/.."
command -v nvcc > /dev/null || { echo "nvcc is missing: install the CUDA toolkit, 12.0 or newer" >&2; exit 2; }
: "${RAGSTONE_TEST_MODEL:?names the folder of all-MiniLM-L6-v2; make cuda sets it}"
export CARGO_TARGET_DIR="${CUDA_TARGET_DIR:-$HOME/.cache/ragstone/target-cuda}"
texts="$(mktemp)"
trap 'rm -f "$texts"' EXIT
for round in 1 2 3 4 5 6 7 8; do
    awk 'length > 60 { print }' ingest/src/sample/texts/*.md
done > "$texts"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
cargo test --release -p ragstone-models --features cuda --test main -- cuda::
for what in cuda 2; do
    cargo run --release -p ragstone-models --features cuda --example throughput -- "$RAGSTONE_TEST_MODEL" "$texts" "$what"
done
