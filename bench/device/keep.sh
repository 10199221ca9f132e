#!/usr/bin/env bash
# Moves the parts that have come to where the next transfer does not replace them.
set -eu
to=~/onnsight-device/parts
mkdir -p "$to"
mv "$(dirname "$0")"/parts/* "$to"/
ls -l "$to"
