#!/usr/bin/env bash
# A Keycloak on this machine, for the tests: from Maven Central, reachable from this machine only. All that it knows is
# in memory, and begins with scripts/keycloak/realm.json. It needs Java 17 or newer, and Maven for the first time.
#
#   keycloak.sh path    install it if it is missing, print its folder
#   keycloak.sh up      start it, print its address
#   keycloak.sh down    stop it
#   keycloak.sh status  print the address if it runs; fails if it does not
#
# OCTO_KEYCLOAK_CACHE is where it is installed, OCTO_KEYCLOAK_PORT where it listens, 8180 without it.
set -euo pipefail

version=26.7.3
parts=$(cd "$(dirname "${BASH_SOURCE[0]}")/keycloak" && pwd)
cache=${OCTO_KEYCLOAK_CACHE:-$HOME/.cache/octo-keycloak}
home=$cache/$version
run=$cache/run
readonly version parts cache home run

readonly artifact=org.keycloak:keycloak-quarkus-dist:$version:tar.gz
readonly copy=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy
readonly patience=900 # seconds until it answers: 20 on a free machine, a busy one has needed 200

say() { printf 'keycloak: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

installed() {
    [[ -e $home/installed ]] && return
    local program
    for program in java mvn curl; do
        command -v "$program" >/dev/null || die "it needs Java 17 or newer, Maven and curl; there is no $program"
    done
    local part
    part=$(mktemp -d "$cache/$version.XXXXXX") # renamed when it is whole: nobody may see half of it
    trap "rm -rf '$part'" EXIT
    say "fetching $artifact"
    mvn -q -B "$copy" -Dartifact="$artifact" -DoutputDirectory="$part" </dev/null >&2 || die "$artifact was not served"
    tar -xzf "$part"/*.tar.gz -C "$part" --strip-components=1
    rm "$part"/*.tar.gz
    say "building it, a minute"
    "$part/bin/kc.sh" build --db=dev-mem </dev/null >&2
    touch "$part/installed"
    rm -rf "$home" && mv "$part" "$home"
}

pid() { # of the one that runs
    local found
    found=$(cat "$run/pid" 2>/dev/null) && grep -qs keycloak "/proc/$found/cmdline" && echo "$found"
}

up() {
    installed
    ! pid >/dev/null || { cat "$run/url" && return; }
    local port=${OCTO_KEYCLOAK_PORT:-8180}
    local url=http://127.0.0.1:$port
    mkdir -p "$run" "$home/data/import"
    cp "$parts/realm.json" "$home/data/import/octo-realm.json"
    KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin JAVA_OPTS_KC_HEAP='-Xms64m -Xmx512m' \
        setsid "$home/bin/kc.sh" start --optimized --cache=local --import-realm --hostname-strict=false \
        --http-enabled=true --http-host=127.0.0.1 --http-port="$port" >"$run/log" 2>&1 </dev/null 9>&- &
    echo $! >"$run/pid"
    echo "$url" >"$run/url"
    say "starting at $url, as admin with the password admin"
    answering "$url" || { tail -n 20 "$run/log" >&2 && down && die "it does not answer"; }
    echo "$url"
}

answering() { # $1: address
    local end=$((SECONDS + patience))
    until curl -fs -o /dev/null --max-time 5 "$1/realms/octo/.well-known/openid-configuration"; do
        pid >/dev/null && ((SECONDS < end)) || return
        sleep 1
    done
}

down() {
    local found
    found=$(pid) || return 0
    kill "$found"
    while pid >/dev/null; do sleep 0.2; done
    rm -f "$run/pid" "$run/url"
}

mkdir -p "$cache"
exec 9>"$cache/.lock" # two calls at once take turns
if command -v flock >/dev/null; then flock 9; fi

case "${1:-}:$#" in
    path:1) installed && echo "$home" ;;
    up:1) up ;;
    down:1) down ;;
    status:1) pid >/dev/null && cat "$run/url" ;;
    *)
        sed -n 's/^#   //p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
