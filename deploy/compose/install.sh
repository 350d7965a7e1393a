#!/bin/sh
# Install the services into a new virtual environment: sh deploy/compose/install.sh /opt/madoguchi
#
# The Dockerfile and tests/deploy/test_image.py run this same file. Every package comes from requirements.lock, checked against
# its hash, as a wheel (nothing is compiled here). Neither pip nor what builds the wheel ends up in the environment.
set -eu
target=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

python3 -m venv "$work/build"
python3 -m venv --without-pip "$target"
python3 deploy/compose/pick.py deploy/compose/build.txt >"$work/build.lock"
python3 deploy/compose/pick.py deploy/compose/services.txt >"$work/services.lock"

pip="$work/build/bin/python -m pip --disable-pip-version-check --no-input"
$pip install --quiet --require-hashes --only-binary :all: -r "$work/build.lock"
$pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work" .
$pip --python "$target/bin/python" install --quiet --require-hashes --only-binary :all: -r "$work/services.lock"
$pip --python "$target/bin/python" install --quiet --no-deps --no-index "$work"/madoguchi-*.whl
$pip --python "$target/bin/python" check
