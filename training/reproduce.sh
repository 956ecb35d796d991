#!/bin/sh
# Make the two networks that come with the package: training/reproduce.sh OUT [SCAN...]
# Stopped, it goes on where it was when it is run again. SCANs are CT images without marked lesions of their
# own, or with a label image gt_SCAN beside them that says what to keep away from.
set -eu

out=${1:?"name a folder to write to"}
shift
scans=$(IFS=,; echo "$*")

# Large blocks of memory are kept instead of given back after every layer (glibc).
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456
export OMP_NUM_THREADS=1

train() {
    config=$1 folder=$out/$2
    shift 2
    [ ! -f "$folder/checkpoints/last.ckpt" ] || set -- "$@" --resume last
    longiseg train "$config" --out "$folder" --devices 2 --set "data.backgrounds=[$scans]" "$@"
}

train embedded-uls uls
train embedded-longinet longinet --init "$out/uls/network.safetensors"
