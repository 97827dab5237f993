#!/bin/sh
# Makes a CUDA toolkit from Python wheels where nvcc is missing, and prints its folder: `cuda_toolkit.sh [FOLDER]`.
# Needs Python 3 with pip and a C compiler; no root. It is for builds with models/cuda.toml, which link none of the libraries.
set -eu
# One release for all parts. Its programs need a driver 580 or newer.
release=13.0.2
folder="${1:-$HOME/.cache/ragstone/cuda-$release}"
parts=nvcc,nvvm,crt,cccl,cudart
# Only running needs them: half a gigabyte.
if nvidia-smi > /dev/null 2>&1; then parts="$parts,cublas,curand"; fi

if [ "$(cat "$folder/parts" 2> /dev/null)" != "$parts" ]; then
    rm -rf "$folder"
    python3 -m venv "$folder/python" >&2
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check "cuda-toolkit[$parts]==$release" >&2
    wheels="$(echo "$folder"/python/lib/python3*/site-packages/nvidia/cu13)"
    ln -s "$wheels/bin" "$wheels/include" "$wheels/nvvm" "$folder"
    mkdir -p "$folder/lib64/stubs"
    # What the program looks for when it runs, and the static runtime for the linker.
    for library in "$wheels"/lib/libcu*.so.*; do
        ln -s "$library" "$folder/lib64/$(basename "$library")"
    done
    ln -s "$wheels/lib/libcudart_static.a" "$folder/lib64/libcudart.a"
    # The linker is given each name, and finds nothing in it that the program uses.
    for name in cuda cublas cublasLt curand nvrtc; do
        "${CC:-cc}" -shared -x c /dev/null -o "$folder/lib64/stubs/lib$name.so"
    done
    echo "$parts" > "$folder/parts"
fi
echo "$folder"
