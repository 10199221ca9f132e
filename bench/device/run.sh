#!/usr/bin/env bash
# Joins and unpacks the parts, finds CUDA's libraries, and writes a report: run.sh REPORT.json [--only cases,runs]. PROVIDER=cpu does without a GPU.
set -eu
report=$(realpath -m "$1")
here=$(cd "$(dirname "$0")" && pwd)
home=~/onnsight-device
mkdir -p "$home/parts"
if ls "$here"/parts/part-* > /dev/null 2>&1; then cp "$here"/parts/* "$home/parts/"; fi
cd "$home/parts"
sha256sum --check --quiet SHA256SUMS
[ -d "$home/unpacked" ] || { mkdir "$home/unpacked" && cat part-* | xz -d -T0 | tar x -C "$home/unpacked"; }
app=$home/unpacked/onnsight-device
wheels=$(python3 -c 'import glob, site, sysconfig; print(":".join(d for s in {*site.getsitepackages(), sysconfig.get_path("purelib")} for d in glob.glob(s + "/nvidia/*/lib")))' 2> /dev/null || true)
export LD_LIBRARY_PATH="${wheels}:/usr/local/cuda/lib64:${LD_LIBRARY_PATH:-}"
cd "$app"
exec ./node --expose-gc --import onnsight/register bench/device/measure.ts --provider "${PROVIDER:-cuda}" --report "$report" "${@:2}"
