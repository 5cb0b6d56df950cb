#!/usr/bin/env bash
# Make .venv ready: `setup.sh run` for running Octo, `setup.sh dev` for testing it as well.
#
# It needs a Python >= 3.11 and the network, nothing else. It does nothing if .venv is up to date: a stamp inside it
# records the contents of pyproject.toml and uv.lock that it was made from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly goal=${1:-run}
readonly venv=.venv

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# --- is it up to date? -----------------------------------------------------------------------------------------------

fingerprint() { { pwd && cat pyproject.toml uv.lock scripts/setup.sh; } | cksum; }

is_ready() { # $1: run or dev; dev has all that run needs
    local stamp
    for stamp in "$1" dev; do
        [[ -x $venv/bin/octo && -f $venv/.ready-$stamp ]] || continue
        [[ $(<"$venv/.ready-$stamp") == "$(fingerprint)" ]] && return 0
    done
    return 1
}

# --- system packages -------------------------------------------------------------------------------------------------

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

apt_install() {
    command -v apt-get >/dev/null || return 1
    local options=(-y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)
    say "apt-get install $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" </dev/null >&2 && return
    as_root apt-get update </dev/null >&2 || true # the package lists of a fresh machine are empty
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" </dev/null >&2
}

# The tests start PostgreSQL themselves, on a free port with a throw-away directory; they need its programs only.
has_postgres() { command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

install_postgres() {
    local config=/etc/postgresql-common/createcluster.conf
    # Without a main cluster nothing is started, and no port is taken.
    apt_install postgresql-common || return 1
    if [[ -f $config ]]; then
        as_root sed -i -E 's/^#?create_main_cluster.*/create_main_cluster = false/' "$config"
    fi
    apt_install postgresql
}

# The same holds for the servers of queues. Debian starts a server when it installs one, unless a policy forbids it.
readonly policy=/usr/sbin/policy-rc.d

install_servers() {
    local status=0
    if [[ -e $policy ]]; then
        apt_install "$@"
        return
    fi
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy" || return 1
    apt_install "$@" || status=1
    as_root rm -f "$policy"
    return $status
}

has_server() { command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]]; }

# The Kafka broker is a set of jars, fetched once per machine. Without Java and Maven its tests are skipped, and say so.
readonly kafka_pom=scripts/kafka.pom.xml
kafka_version() { sed -n 's|.*<version>\([0-9.]*\)</version>.*|\1|p' "$kafka_pom" | sed -n 2p; }
kafka_jars() { echo "$HOME/.cache/octo/kafka-$(kafka_version)"; }

has_kafka() { [[ -f $(kafka_jars)/kafka_2.13-$(kafka_version).jar ]]; }

install_kafka() {
    local place part
    command -v java >/dev/null && command -v mvn >/dev/null || return 1
    place=$(kafka_jars)
    say "fetching the Kafka broker $(kafka_version)"
    mkdir -p "${place%/*}"
    part=$(mktemp -d "$place.XXXXXX") # renamed when it is whole: nobody may see half of it
    if mvn -q -B -f "$kafka_pom" dependency:copy-dependencies -DoutputDirectory="$part" </dev/null >&2; then
        chmod 755 "$part" && rm -rf "$place" && mv "$part" "$place"
    else
        rm -rf "$part"
        return 1
    fi
}

# --- the browser of the tests: the system's own, so that no other is downloaded ---
has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

# --- Python ----------------------------------------------------------------------------------------------------------

works() { "$@" >/dev/null 2>&1 </dev/null; }

# A name on PATH proves nothing (pyenv puts shims there that only print an error), so each candidate is run.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
        if works "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    local python version
    python=$(find_python) || die "Octo needs Python 3.11 or newer; install it, or name it: PYTHON=/path/to/python3 make"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! works "$python" -c 'import venv, ensurepip'; then
        # Debian and Ubuntu ship these two modules in a package of their own.
        apt_install "python$version-venv" || apt_install python3-venv ||
            die "$python has no venv module; install it (Debian, Ubuntu: apt-get install python$version-venv) and retry"
    fi
    say "creating $venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
}

sync() {
    export UV_PROJECT_ENVIRONMENT=$venv UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy
    # --inexact keeps uv itself, which is no dependency of Octo.
    local command=("$venv/bin/uv" sync --frozen --compile-bytecode --inexact --all-extras --python "$venv/bin/python")
    [[ $goal == dev ]] || command+=(--no-dev)
    # Second try with the system's certificates, for networks that have their own.
    "${command[@]}" </dev/null >&2 || UV_SYSTEM_CERTS=true "${command[@]}" </dev/null >&2
}

install_python_packages() {
    # A copied or moved tree brings a .venv whose scripts still point to the old place.
    if [[ -f $venv/.place && $(<"$venv/.place") != "$PWD" ]] ||
        ! works "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        make_venv
    fi
    if ! works "$venv/bin/uv" --version; then
        works "$venv/bin/python" -m pip --version || make_venv # an interrupted run left it unfinished
        say "installing uv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1' </dev/null >&2
    fi
    say "installing the packages of uv.lock"
    sync || die "the packages could not be installed; is the network there?"
    pwd >"$venv/.place"
    fingerprint >"$venv/.ready-$goal"
}

# --- the run ---------------------------------------------------------------------------------------------------------

[[ $goal == run || $goal == dev ]] || die "unknown goal $goal; choose run or dev"

# Two invocations at once take turns. The lock is on this file itself, so no other file has to exist.
exec 9<"scripts/setup.sh"
if command -v flock >/dev/null; then flock 9; fi

is_ready "$goal" || install_python_packages
if [[ $goal == dev ]] && ! has_postgres; then
    install_postgres || say "no PostgreSQL server programs (initdb) here; the tests that need them cannot run"
fi
if [[ $goal == dev ]]; then
    missing=()
    for server in redis-server rabbitmq-server mosquitto; do
        has_server "$server" || missing+=("$server")
    done
    ((${#missing[@]} == 0)) || install_servers "${missing[@]}" || say "not installed: ${missing[*]}; their tests cannot run"
fi
if [[ $goal == dev ]] && ! has_kafka; then
    install_kafka || say "no Kafka broker here (it needs Java 17, Maven and the network); its tests are skipped"
fi
if [[ $goal == dev ]] && ! has_chromium; then
    apt_install chromium || say "no Chromium here; the tests in a browser cannot run"
fi
