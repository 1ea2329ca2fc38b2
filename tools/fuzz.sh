#!/usr/bin/env bash
# Lets every fuzz target search for a while; what was found before runs with the ordinary tests.
#   fuzz.sh TIME
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
grep -rHoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' internal model resolvers web |
  grep -v node_modules | sed -E 's/:func /:/' | sort |
  while IFS=: read -r file target; do
    # Minimising an interesting input could use up the whole time: it gets ten tries.
    if go test -run '^$' -fuzz "^${target}\$" -fuzztime "$time" -fuzzminimizetime 10x "./$(dirname "$file")" >"$log" 2>&1; then
      printf '%-24s %-22s %s\n' "$target" "$(dirname "$file")" "$(sed -nE 's/.*execs: ([0-9]+).*/\1 inputs/p' "$log" | tail -n 1)"
    else
      cat "$log"
      exit 1
    fi
  done
