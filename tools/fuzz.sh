#!/usr/bin/env bash
# Lets every fuzz target search for a while.
#   fuzz.sh TIME
set -euo pipefail
time=${1:-5s}
while IFS=: read -r file target; do
  printf '%-60s ' "$target ($(dirname "$file"))"
  go test -run '^$' -fuzz "^${target}\$" -fuzztime "$time" "./$(dirname "$file")" | grep -E '^(ok|FAIL|---|\s)' | tail -n 1
done < <(grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' internal model resolvers | sed -E 's/:func /:/')
