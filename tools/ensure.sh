#!/usr/bin/env bash
# Makes sure that everything the tests need is on this machine: a C compiler (race detector), Node.js, the
# PostgreSQL server's programs and Chromium. Installs what is missing on Debian and Ubuntu as root; elsewhere it
# says in one line what to install.
set -euo pipefail

# No function may have the name of a program that is looked for: `command -v` would find the function.
have() { command -v "$1" >/dev/null; }
browser() { have chromium || have chromium-browser || have google-chrome; }
postgres() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

missing=()
have gcc || have clang || missing+=(gcc libc6-dev)
postgres || missing+=(postgresql)
browser || missing+=(chromium)
{ have node && have npm; } || missing+=(nodejs npm)

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing for the tests: ${missing[*]} (names of Debian packages). Install them and run again." >&2
    exit 1
  fi
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # A server that the package starts by itself is not needed: the tests start their own.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

for absent in browser postgres; do
  if ! "$absent"; then
    echo "Still missing after the installation: $absent." >&2
    exit 1
  fi
done
major=$(node -p 'process.versions.node.split(".")[0]')
if [ "$major" -lt 20 ]; then
  echo "Node.js $major is too old for the tests: install version 20 or newer and run again." >&2
  exit 1
fi
(cd web && npm ci --no-audit --no-fund --loglevel=error)
echo "ready: $(go version | cut -d' ' -f3), node $(node --version), PostgreSQL and Chromium are there"
