#!/bin/sh
# Make sure of a Java runtime ≥ 17 and of Python's venv module: install them where that is allowed, else say what to do.
set -eu

java_version() {
    command -v java >/dev/null 2>&1 || { echo 0; return; }
    java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1
}

missing=""
version=$(java_version)
[ "${version:-0}" -ge 17 ] || missing=" openjdk-17-jre-headless"
python=${PYTHON:-python3.11}
if command -v "$python" >/dev/null 2>&1; then
    "$python" -c 'import ensurepip' >/dev/null 2>&1 || missing="$missing python3.11-venv"
else
    missing="$missing python3.11 python3.11-venv"
fi
# CI looks at pages in a real browser, loads into a real PostgreSQL and keeps files in a server that npm installs; users
# need none of them
if [ -n "${SYNTH_SPARK_CI:-}" ]; then
    command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
    command -v npm >/dev/null 2>&1 || missing="$missing npm"
    set -- "${POSTGRESQL:-/usr/lib/postgresql}"/*/bin/initdb
    [ -x "$1" ] || missing="$missing postgresql"
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing:$missing"
    apt-get update -qq
    # newer Debians have a newer Java only, which does as well
    apt-cache show openjdk-17-jre-headless >/dev/null 2>&1 ||
        missing=$(echo "$missing" | sed 's/openjdk-17-jre-headless/default-jre-headless/')
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "Missing:$missing"
    echo "Install them (Debian: sudo apt-get install$missing; others: a Java runtime of version 17 or newer and"
    echo "Python 3.11 with its venv module), then run make again."
    exit 1
fi
