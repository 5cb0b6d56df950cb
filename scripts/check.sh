#!/usr/bin/env bash
# All static checks of the code. All of them run, also after one has failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

failed=()
check() {
    printf -- '--- %s\n' "$*"
    ".venv/bin/$1" "${@:2}" </dev/null || failed+=("$*")
}

check ruff check .
check ruff format --check .
check mypy
check lint-imports
printf -- '--- the editor\n'
scripts/editor.sh check </dev/null || failed+=("scripts/editor.sh check")

if ((${#failed[@]})); then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
