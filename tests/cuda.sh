#!/bin/sh
# Builds the models crate for NVIDIA GPUs. Where there is one: compares its vectors with those of the CPU, and times it. Where
# there is none: sees that the CPU takes over, and says `compiled, not run`. Makes a toolkit from wheels if nvcc is missing.
# It has a target folder of its own, since candle is built anew for it.
set -eu
cd "$(dirname "$0")/.."
: "${RAGSTONE_TEST_MODEL:?names the folder of all-MiniLM-L6-v2; make cuda sets it}"
export CARGO_TARGET_DIR="${CUDA_TARGET_DIR:-$HOME/.cache/ragstone/target-cuda}"

if ! command -v nvcc > /dev/null; then
    CUDA_HOME="$(sh tests/cuda_toolkit.sh)"
    export CUDA_HOME PATH="$CUDA_HOME/bin:$PATH" LD_LIBRARY_PATH="$CUDA_HOME/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
nvcc --version | grep release
gpu="$(nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader 2> /dev/null | head -n 1 || true)"
if [ -n "$gpu" ]; then
    echo "$gpu"
    : "${CUDA_COMPUTE_CAP:=$(echo "${gpu##*, }" | tr -d .)}"
fi
# Without a GPU, code for the oldest that has bf16; newer ones translate it when a model is loaded.
export CUDA_COMPUTE_CAP="${CUDA_COMPUTE_CAP:-80}"
echo "compute capability $CUDA_COMPUTE_CAP"

cuda() {
    subcommand="$1"
    shift
    cargo --config models/cuda.toml "$subcommand" --release -p ragstone-models --features cuda "$@"
}
cuda build --all-targets
cuda test --test main -- --nocapture cuda::
if [ -z "$gpu" ]; then
    echo "compiled, not run: there is no NVIDIA GPU here"
    exit 0
fi

texts="$(mktemp)"
trap 'rm -f "$texts"' EXIT
for round in 1 2 3 4 5 6 7 8; do
    awk 'length > 60 { print }' ingest/src/sample/texts/*.md
done > "$texts"
for what in "cuda f32" "cuda bf16" 2; do
    # shellcheck disable=SC2086
    cuda run --example throughput -- "$RAGSTONE_TEST_MODEL" "$texts" $what
done
