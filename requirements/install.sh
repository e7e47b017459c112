#!/usr/bin/env bash
# Make the virtual environment and install a pinned and hashed requirement file into it, then this repository itself, unless
# `--alone` comes after the file.
# With uv where it is there, else with pip.
set -euo pipefail

requirements=$1
"$PYTHON" - <<'PY' || exit 1
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(f"Perennial needs Python 3.11 to 3.13, this is {sys.version.split()[0]}. Name another: make demo PYTHON=python3.12")
PY

[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
echo "installing $requirements into $VENV (once)"
if command -v uv >/dev/null; then
  install=(uv pip install --quiet --compile-bytecode --python "$VENV/bin/python")
else
  install=("$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input)
fi
# The files name everything that is needed, so that nothing is resolved anew.
"${install[@]}" --no-deps --require-hashes --requirement "$requirements"
[ "${2:-}" = --alone ] || "${install[@]}" --no-deps --no-build-isolation --editable .
