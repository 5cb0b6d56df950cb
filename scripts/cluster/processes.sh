# Processes that outlive the script, each known by its id and the moment when it started. Sourced by cluster.sh.

# Invariant: a folder is only cleared if it was empty when it was claimed: it may be named by mistake.
claim() { # folder
    mkdir -p "$1"
    [[ -f $1/.octo-cluster ]] || [[ -z $(ls -A "$1") ]] || die "$1 has other files; name an empty folder"
    touch "$1/.octo-cluster"
}

is_claimed() { [[ -f $1/.octo-cluster ]]; }

# Invariant: only a process that `launch` started is ever stopped. The id alone would not tell: ids are used again.
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20 || true; }

launch() { # folder, name, command...
    local folder=$1 name=$2 id
    mkdir -p "$folder/pids" "$folder/logs"
    # A session of its own: Ctrl-C in the terminal is not meant for it. No descriptor of ours: it would hold our locks.
    setsid "${@:3}" >"$folder/logs/$name.log" 2>&1 </dev/null 9>&- &
    id=$!
    disown "$id"
    echo "$id $(born "$id")" >"$folder/pids/$name"
}

is_alive() { # folder, name
    local id since
    [[ -f $1/pids/$2 ]] && read -r id since <"$1/pids/$2" && [[ -n $since && $(born "$id") == "$since" ]] &&
        [[ $(sed 's/.*) //' "/proc/$id/stat" 2>/dev/null) != Z* ]]
}

stop() { # folder, name: gently at first
    local id since tries
    if is_alive "$1" "$2"; then
        read -r id since <"$1/pids/$2"
        kill "$id" 2>/dev/null || true
        for ((tries = 0; tries < 100; tries++)); do
            is_alive "$1" "$2" || break
            sleep 0.1
        done
        if is_alive "$1" "$2"; then kill -9 "$id" 2>/dev/null || true; fi
    fi
    rm -f "$1/pids/$2"
}

# Wait until a command succeeds, as long as all that was started in the folder lives.
await() { # seconds, folder, what for, command...
    local until=$((SECONDS + $1)) folder=$2 what=$3 pid
    until "${@:4}" >/dev/null 2>&1; do
        for pid in "$folder"/pids/*; do
            is_alive "$folder" "${pid##*/}" && continue
            say "${pid##*/} ended; the last lines of $folder/logs/${pid##*/}.log:"
            tail -n 5 "$folder/logs/${pid##*/}.log" >&2
            return 1
        done
        if ((SECONDS >= until)); then
            say "gave up waiting for $what after $1 seconds; see $folder/logs"
            return 1
        fi
        sleep 0.2
    done
}
