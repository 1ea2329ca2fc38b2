#!/usr/bin/env bash
# Runs one stage of a long command: prints its name before and its time after.
#   stage.sh NAME COMMAND [ARGUMENT ...]
set -euo pipefail
name=$1
shift
printf '\n=== %s\n' "$name"
start=$SECONDS
if "$@"; then
  printf -- '--- %s: ok, %d s\n' "$name" $((SECONDS - start))
else
  status=$?
  printf -- '--- %s: FAILED after %d s\n' "$name" $((SECONDS - start)) >&2
  exit "$status"
fi
