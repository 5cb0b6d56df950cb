#!/usr/bin/env bash
# Draw the terminal pictures of the documentation from what the commands print.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

draw() { # $1: name; the rest: the command
    local out=docs/pictures/$1.svg
    shift
    .venv/bin/python scripts/picture.py "$out" "$@"
}

mkdir -p docs/pictures
draw why-currency octo why samples/http-orders.yaml:53 --vars '{"query":{"currency":"EUR"}}'
draw why-orders octo why samples/builtins-demo.yaml:129 --data '{"lines":[{"id":"a","cents":1250},{"id":"b","cents":99}]}'
draw why-fails octo why samples/weather.yaml:62 --vars '{"city":"pariss","places":{"paris":{"lat":48.9}}}'
