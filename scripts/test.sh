#!/usr/bin/env bash
# All checks and all tests. The tests run even when a check failed: one run tells everything that is wrong.
# Arguments go to pytest: `scripts/test.sh tests/core -k message`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

status=0
scripts/check.sh || status=1

printf -- '--- pytest\n'
.venv/bin/python -m pytest --numprocesses "${WORKERS:-auto}" "$@" </dev/null || status=1

exit "$status"
