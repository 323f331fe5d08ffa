#!/bin/sh
# Prints a Python that can run glmgate: the one asked for, else that of .venv, else the newest that is tried below.
# Newer ones than 3.13 are taken only as `python3`, because the locks are tested on 3.11 to 3.13.
set -eu

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${1:-}" ]; then
    if fits "$1"; then
        command -v "$1"
        exit 0
    fi
    echo "PYTHON='$1' does not run or is older than 3.11; name another one: make setup PYTHON=python3.12" >&2
    exit 1
fi
for candidate in .venv/bin/python python3.13 python3.12 python3.11 python3; do
    if fits "$candidate"; then
        command -v "$candidate"
        exit 0
    fi
done
echo "No Python >= 3.11 found (tried python3.13, python3.12, python3.11, python3)." >&2
echo "Install one, or name it: make setup PYTHON=/path/to/python3" >&2
exit 1
