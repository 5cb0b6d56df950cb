#!/usr/bin/env bash
# Run a sample and say what to do with it: the lines of its header comment that start with `$` are printed first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sample=samples/${1:-http-orders}
sample=${sample%.yaml}.yaml
if [[ ! -f $sample ]]; then
    printf 'there is no %s; choose one of\n' "$sample" >&2
    find samples -maxdepth 1 -name '*.yaml' ! -name '*_test.yaml' -printf '  %p\n' | sort >&2
    exit 2
fi

port=${HTTP_PORT:-8080}

# `# Key: NAME` in a header names the variable with the key of a model; without one, the sample's tests play the model.
stubs=()
key=$(sed -n 's/^# Key: //p' "$sample")
if [[ -n $key && -z ${!key:-} ]]; then
    stubs=(--stubs "${sample%.yaml}_test.yaml")
fi

printf '\n%s\n' "$sample"
url=$(sed -n 's/^# URL: //p' "$sample" | sed "s/localhost:8080/localhost:$port/")
if [[ -n $url ]]; then printf '  serves %s\n' "$url"; fi
printf '\nTry, in another terminal:\n\n'
sed -n 's/^# *\$ /  /p' "$sample" | sed "s/localhost:8080/localhost:$port/; /octo invoke/s|\$| ${stubs[*]}|"
printf '\nEdit the file while it runs: every save is live. Ctrl-C stops.\n\n'
if ((${#stubs[@]})); then printf '%s is not set, so a script plays the model: %s\n\n' "$key" "${stubs[1]}"; fi

# A sample may start `octo` itself.
PATH="$PWD/.venv/bin:$PATH" exec .venv/bin/octo run --config "$sample" --watch "${stubs[@]}"
