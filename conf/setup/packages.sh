#!/bin/sh
# Installs what a lock file pins, held to its hashes: packages.sh BIN [LOCK], the environment's folder of commands, and
# the lock file if it is not requirements.lock.
# Spark has no wheel: building it takes as long as installing all others, and happens beside that.
set -eu
bin=$1
setup=$(dirname "$0")
lock=${2:-$setup/../../requirements.lock}
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT

install() { "$bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r "$1"; }

install "$setup/pip.lock"  # the one that comes with Python takes twice as long
awk -v to="$parts" '/^[^ #]/ { part = /^pyspark==/ ? "spark" : "others" } { print > (to "/" part) }' "$lock"
install "$parts/spark" &
failed=0
install "$parts/others" || failed=1
wait $! || failed=1
exit $failed
