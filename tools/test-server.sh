#!/usr/bin/env bash
# Drives the built server (bin/bff) from outside: the pages in a browser, and the protocol conformance checks on
# SQLite and on a PostgreSQL that is made for this and thrown away. Everything it starts it also stops.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
chmod 755 "$work"
pids=()
postgres=""
cleanup() {
  for pid in "${pids[@]:-}"; do [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  [ -n "$postgres" ] && as_postgres "$postgres/pg_ctl" -D "$work/pg" -m immediate -s stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start_postgres() {
  postgres=$(dirname "$(command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1)")
  mkdir "$work/pg" "$work/socket"
  [ "$(id -u)" != 0 ] || chown postgres "$work/pg" "$work/socket"
  as_postgres "$postgres/initdb" -D "$work/pg" -U bff -A trust -E UTF8 --no-locale -N >/dev/null
  as_postgres "$postgres/pg_ctl" -D "$work/pg" -s -w -l "$work/socket/log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$work/socket' -c fsync=off" start
}

# serve NAME [VARIABLE=VALUE ...]: starts a server with a data folder of its own and sets $url.
serve() {
  local name=$1 log="$work/$1.log"
  shift
  env "$@" HEFFL_ADDR=localhost:0 HEFFL_DATA_DIR="$work/$name" bin/bff >"$log" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do
    url=$(sed -nE 's/.*msg=serving url=(http:[^ ]+).*/\1/p' "$log" | head -n 1)
    [ -n "$url" ] && return
    sleep 0.1
  done
  echo "the server did not start:" >&2
  cat "$log" >&2
  return 1
}

# conform NAME: runs the conformance checks against the server of that name.
conform() {
  local token=(env HEFFL_DATA_DIR="$work/$1" bin/bff token)
  node web/conformance/run.mjs --url "$url/graphql" --user u_conformance \
    --token "$("${token[@]}" --user u_conformance)" --publisher "$("${token[@]}" --scope events:write)" \
    --expired "$expired" | { grep -v '^PASS' || true; }
}

(cd web/conformance && npm ci --no-audit --no-fund --loglevel=error >/dev/null)

start_postgres
status=0
serve sqlite
# The leeway of tokens is 30 s: one that ran out is made now and used after the pages were tested.
expired=$(HEFFL_DATA_DIR="$work/sqlite" bin/bff token --user u_conformance --ttl 1ms)
started=$SECONDS
echo "pages in Chromium, $url"
(cd web && npm run --silent e2e -- --url "$url") || status=1
wait_for=$((32 - (SECONDS - started)))
[ "$wait_for" -le 0 ] || sleep "$wait_for"
echo "conformance on SQLite"
conform sqlite || status=1

mkdir "$work/postgres"
cp "$work/sqlite/"*key* "$work/postgres/" 2>/dev/null || true # the same signing key: the expired token stays well signed
serve postgres "HEFFL_DATABASE_URL=postgres://bff@localhost/postgres?host=$work/socket"
echo "conformance on PostgreSQL"
conform postgres || status=1
exit $status
