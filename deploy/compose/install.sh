#!/bin/sh
# Install the services into a new virtual environment: sh deploy/compose/install.sh /opt/madoguchi
#
# The Dockerfile and tests/deploy/test_image.py run this same file. Every package comes from requirements.lock, checked against
# its hash, as a wheel (nothing is compiled here). Neither pip nor what builds the wheel ends up in the environment: the pip of the
# python3 that is found works on it from outside.
set -eu
target=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

python3 -m venv --without-pip "$work/build"
python3 -m venv --without-pip "$target"
python3 deploy/compose/pick.py deploy/compose/build.txt >"$work/build.lock"
python3 deploy/compose/pick.py deploy/compose/services.txt >"$work/services.lock"

pip="python3 -m pip --disable-pip-version-check --no-input"
build="$pip --python $work/build/bin/python" into="$pip --python $target/bin/python"
$build install --quiet --require-hashes --only-binary :all: -r "$work/build.lock"
$build wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work" .
$into install --quiet --require-hashes --only-binary :all: -r "$work/services.lock"
$into install --quiet --no-deps --no-index "$work"/madoguchi-*.whl
$into check
