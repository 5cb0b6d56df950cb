# etcd and the API server. Sourced by cluster.sh.

readonly services_range=10.233.0.0/24
readonly services_first=10.233.0.1 # Kubernetes gives it to itself

# --- the two programs ------------------------------------------------------------------------------------------------

# A socket instead of ports: nobody else may write into it, and two etcd do not meet. Its name is relative to the
# folder, since a path of a socket has at most 107 bytes; the port is none, but etcd insists on one.
readonly etcd_url=unix://etcd.sock:0
readonly peer_url=unix://peer.sock:0

start_etcd() { # folder
    # What is lost with the machine is only a test's, so nothing is flushed to the disk.
    launch "$1" etcd "$kubernetes_place/etcd" --name=octo --data-dir=etcd --unsafe-no-fsync --log-level=warn \
        --listen-client-urls="$etcd_url" --advertise-client-urls="$etcd_url" \
        --listen-peer-urls="$peer_url" --initial-advertise-peer-urls="$peer_url" --initial-cluster="octo=$peer_url"
}

start_apiserver() { # folder, address, port, more flags...
    launch "$1" kube-apiserver "$kubernetes_place/kube-apiserver" --etcd-servers="$etcd_url" \
        --bind-address="$2" --secure-port="$3" --cert-dir=certs --service-cluster-ip-range="$services_range" \
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=accounts.key \
        --service-account-signing-key-file=accounts.key --token-auth-file=tokens.csv --authorization-mode=RBAC \
        --allow-privileged --profiling=false "${@:4}"
}

make_secrets() { # folder
    command -v openssl >/dev/null || die "openssl is not here; install it"
    openssl genrsa -out "$1/accounts.key" 2048 2>/dev/null
    printf '%s,admin,admin,system:masters\n' "$(openssl rand -hex 16)" >"$1/tokens.csv"
}

write_kubeconfig() { # folder, address and port of the server
    # The file appears when it is whole and the server answers: who waits for it may use it.
    cat >"$1/kubeconfig.part" <<EOF
apiVersion: v1
kind: Config
current-context: octo
clusters:
  - name: octo
    cluster:
      server: https://$2
      certificate-authority-data: $(base64 -w 0 "$1/certs/apiserver.crt")
users:
  - name: admin
    user: {token: $(cut -d, -f1 "$1/tokens.csv")}
contexts:
  - name: octo
    context: {cluster: octo, user: admin}
EOF
    mv "$1/kubeconfig.part" "$1/kubeconfig"
}

answers() { # folder, address and port of the server
    # The token comes from a file: arguments can be read by every user of the machine.
    curl --silent --fail --max-time 5 --noproxy '*' --cacert "$1/certs/apiserver.crt" \
        --header @<(printf 'Authorization: Bearer %s' "$(cut -d, -f1 "$1/tokens.csv")") "https://$2/readyz"
}

# --- the API server alone --------------------------------------------------------------------------------------------

is_free() { ! (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

find_port() { # below those that the kernel hands out
    local port
    while port=$((20000 + RANDOM % 12000)); do
        is_free "$port" && echo "$port" && return
    done
}

api_up() { # folder, process
    local folder port
    has_api || die "there is no API server yet; make one: scripts/cluster.sh build --api-only"
    command -v curl >/dev/null || die "curl is not here; install it"
    claim "$1" && folder=$(cd "$1" && pwd)
    if is_alive "$folder" kube-apiserver; then die "an API server runs in $folder already"; fi
    cd "$folder" || exit
    umask 077
    make_secrets "$folder"
    start_etcd "$folder"
    # Somebody may take the port between the look at it and its use.
    for _ in 1 2 3; do
        port=$(find_port)
        # Without a kubelet nothing is at the address that is told to others. A machine without a network has none to
        # find, and loopback is refused, so it is one of those that belong to nobody. Nobody makes the accounts that
        # pods have by default either: a test that creates a pod would be refused.
        start_apiserver "$folder" 127.0.0.1 "$port" --advertise-address=203.0.113.1 --endpoint-reconciler-type=none \
            --disable-admission-plugins=ServiceAccount
        if await 60 "$folder" "the API server" answers "$folder" "127.0.0.1:$port"; then
            write_kubeconfig "$folder" "127.0.0.1:$port"
            # A run of tests that is killed stops nothing.
            [[ -z ${2:-} ]] || launch "$folder" watch "$script" api-watch "$folder" "$2"
            echo "$folder/kubeconfig"
            return
        fi
        grep -q 'address already in use' "$folder/logs/kube-apiserver.log" || break
    done
    stop "$folder" kube-apiserver
    stop "$folder" etcd
    exit 1
}

api_watch() { # folder, process
    local since
    since=$(born "$2")
    while [[ -n $since && $(born "$2") == "$since" ]]; do sleep 1; done
    rm -f "$1/pids/watch" # that is this one
    api_down "$1"
}

api_down() { # folder
    local folder
    is_claimed "$1" || return 0
    folder=$(cd "$1" && pwd)
    stop "$folder" watch
    stop "$folder" kube-apiserver
    stop "$folder" etcd
    cd "$folder" || exit
    rm -rf etcd certs pids logs etcd.sock:0 peer.sock:0 accounts.key tokens.csv kubeconfig .octo-cluster
}
