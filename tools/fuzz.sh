#!/usr/bin/env bash
# Lets every fuzz target search for a while; what was found before runs with the ordinary tests. Each package is built once
# for all of its targets: building takes longer than a short search.
#   fuzz.sh TIME
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$(go env GOCACHE)/fuzz # where `go test -fuzz` keeps interesting inputs
grep -rlE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' internal model resolvers web |
  grep -v node_modules | xargs -n 1 dirname | sort -u |
  while read -r package; do
    cache=$found/$(go list "./$package")
    go test -c -fuzz . -o "$work/fuzz.test" "./$package"
    grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$package"/*_test.go | sed 's/func //' | sort >"$work/targets"
    while read -r target; do
      # Minimising an interesting input could use up the whole time: it gets ten tries.
      if (cd "$package" && "$work/fuzz.test" -test.run '^$' -test.fuzz "^${target}\$" -test.fuzztime "$time" -test.fuzzminimizetime 10x \
        -test.fuzzcachedir "$cache") >"$work/log" 2>&1; then
        printf '%-24s %-22s %s\n' "$target" "$package" "$(sed -nE 's/.*execs: ([0-9]+).*/\1 inputs/p' "$work/log" | tail -n 1)"
      else
        cat "$work/log"
        exit 1
      fi
    done <"$work/targets"
  done
