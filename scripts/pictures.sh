#!/usr/bin/env bash
# Draw the pictures of the documentation from what the commands print.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
python=$root/.venv/bin/python
pictures=$root/docs/pictures
work=$(mktemp -d)
started=()
trap '((${#started[@]})) && kill "${started[@]}" 2>/dev/null; wait; rm -rf "$work"' EXIT

draw() { # $1: name; the rest: the command
    local out=$pictures/$1.svg
    shift
    "$python" "$root/scripts/picture.py" "$out" "$@"
}

unpack() { # $1: page; $2: folder. Save the files of a page: YAML that begins with `# NAME.yaml`.
    mkdir -p "$2"
    awk -v folder="$2" '
        /^```/ {yaml = /^```yaml$/; file = ""; next}
        yaml && /^# [a-z_]+\.yaml$/ {file = folder "/" $2}
        file {print > file}' "$1"
}

wait_for() { # $1: words; $2: a file in which they appear
    until grep -qF "$1" "$2"; do
        kill -0 "${started[-1]}" 2>/dev/null || { cat "$2" >&2 && exit 1; }
        sleep 0.1
    done
}

start() { # the command; its log is in the working folder
    local log=$work/${#started[@]}.log
    : >"$log"
    "$@" >"$log" 2>&1 &
    started+=($!)
    wait_for 'runtime ready' "$log"
}

# The first minutes: a start, a request, an edit with a mistake, and a request after it.
mkdir -p "$pictures" "$work/first"
cd "$work/first"
"$python" -m octo new shop >/dev/null
said=$work/first/said
: >"$said"
HTTP_PORT=18390 OCTO_OBSERVABILITY_ADDR=127.0.0.1:18392 script --quiet --flush \
    --command "$python -m octo run --watch --log-level warn shop" "$said" >/dev/null 2>&1 &
started+=($!)
wait_for 'Ctrl-C' "$said"
{
    echo '$ octo run --watch --log-level warn shop'
    sed '1d' "$said"
    printf '\n# in another terminal\n$ curl localhost:8080/hello/Ada\n%s\n' "$(curl -s localhost:18390/hello/Ada)"
    lines=$(wc -l <"$said")
    sed -i 's/value: /valeu: /' shop/flow.yaml
    wait_for 'waits for an edit' "$said"
    printf '\n# an edit with a mistake is saved\n'
    tail -n "+$((lines + 1))" "$said"
    printf '\n# the flow goes on as it was\n$ curl localhost:8080/hello/Bob\n%s\n' "$(curl -s localhost:18390/hello/Bob)"
} | tr -d '\r' | sed 's/18390/8080/; s/18392/39999/' >"$work/first/session"
"$python" "$root/scripts/picture.py" "$pictures/running.svg" - <"$work/first/session"
kill "${started[-1]}"
unset 'started[-1]'
cd "$root"

draw why-currency octo why samples/http-orders.yaml:53 --vars '{"query":{"currency":"EUR"}}'
draw why-orders octo why samples/builtins-demo.yaml:129 --data '{"lines":[{"id":"a","cents":1250},{"id":"b","cents":99}]}'
draw why-fails octo why samples/weather.yaml:62 --vars '{"city":"pariss","places":{"paris":{"lat":48.9}}}'

# Tests of the pages "Testing flows" and "Find a bug before your users do".
unpack docs/testing.md "$work/orders"
unpack docs/finding-bugs.md "$work/shop"
cd "$work/orders"
draw test-fails octo test orders.yaml
cd "$work/shop"
draw cover octo test shop.yaml --cover
draw generate octo test shop.yaml --generate
draw chaos octo test shop.yaml --chaos

# The page that `--cover-html` writes.
if browser=$(command -v chromium || command -v chromium-browser); then
    "$python" -m octo test shop.yaml --cover-html "$work/cover" >/dev/null
    "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/browser" \
        --window-size=820,1100 --screenshot="$pictures/coverage.png" "file://$work/cover/index.html" 2>/dev/null
else
    echo 'no chromium found: docs/pictures/coverage.png is not redrawn'
fi

# A running shop: a trace of one message, and its rates under load.
cat >"$work/services.yaml" <<'YAML'
connectors: [{name: web, type: http, settings: {host: 127.0.0.1, port: 18391}}]
flows:
  - name: stock
    source: {type: http, settings: {path: /items}}
    process: [{type: set-payload, settings: {value: '{"available": true}'}}]
  - name: bank
    source: {type: http, settings: {path: /charges}}
    process: [{type: set-payload, settings: {value: '{"id": "c7"}'}}]
  - name: mail
    source: {type: http, settings: {path: /mails}}
    process: [{type: set-payload, settings: {value: "null"}}]
YAML
export STOCK_URL=http://127.0.0.1:18391 BANK_URL=http://127.0.0.1:18391 MAIL_URL=http://127.0.0.1:18391
export HTTP_PORT=18390 OCTO_OBSERVABILITY_ADDR=127.0.0.1:18392 BANK_API_KEY=a-key-for-pictures
"$python" -c 'import sqlite3; sqlite3.connect("shop.db").execute("CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER)")'
start "$python" -m octo run "$work/services.yaml" --admin-addr off
start "$python" -m octo run shop.yaml --traces --metrics-blocks '*'

order() { # $1: id
    curl -s -o /dev/null localhost:18390/orders \
        -d '{"id":"'"$1"'","email":"bob@example.com","cents":1990,"count":3,"coupon":"WELCOME"}'
}
order n0 # opens the connections, so the next order shows the normal time
order n1
sleep 1
draw trace octo traces "$("$python" -m octo traces --limit 1 | cut -c 1-6)"
"$python" - <<'PYTHON' & # a hundred orders a second
import http.client, itertools, json, time
order = {"email": "bob@example.com", "cents": 1990, "count": 3, "coupon": "WELCOME"}
shop = http.client.HTTPConnection("localhost", 18390)
for number in itertools.count():
    shop.request("POST", "/orders", json.dumps({**order, "id": f"p{number}"}))
    shop.getresponse().read()
    time.sleep(0.01)
PYTHON
started+=($!)
sleep 11 # the picture shows the worst lag of the last ten seconds: wait until that of the start is older
draw top octo top --once --flow orders
