#!/usr/bin/env bash
# All checks and all tests. The tests run even if a check has failed, so that one run shows everything that is wrong.
# Arguments go to pytest: `scripts/test.sh tests/core -k message`. With ORDER=random the tests run in another order each
# time; ORDER=42 repeats the one that pytest calls `--random-order-seed=42`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

status=0
scripts/check.sh || status=1

# The page is built before the tests, which open it; its own tests run with all others, not with a part.
scripts/editor.sh fresh </dev/null || status=1
if (($# == 0)); then
    printf -- '--- the editor\n'
    scripts/editor.sh test </dev/null || status=1
fi

printf -- '--- pytest\n'
pytest=(.venv/bin/python -m pytest)
if [[ -n ${ORDER:-} ]]; then
    pytest=(.venv/bin/uv run --no-sync --with 'pytest-random-order>=1.2,<2' python -m pytest --random-order)
    [[ $ORDER == random ]] || pytest+=("--random-order-seed=$ORDER")
fi
# One more than there are CPUs: many tests wait for a process, a server, or a browser.
"${pytest[@]}" --numprocesses "${WORKERS:-$(($(getconf _NPROCESSORS_ONLN) + 1))}" "$@" </dev/null || status=1

exit "$status"
