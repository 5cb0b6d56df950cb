# The whole cluster: one node, this machine. Sourced by cluster.sh.

readonly bridge=octo0
readonly address=10.231.0.1 # of the node, on its bridge
readonly pods_range=10.232.0.0/24
readonly socket=$run/containerd.sock

# --- the machine -----------------------------------------------------------------------------------------------------

readonly packages=(containerd runc containernetworking-plugins nftables iproute2 curl openssl)

cni_folder() {
    local folder
    for folder in /usr/lib/cni /opt/cni/bin; do
        [[ -x $folder/ptp && -x $folder/host-local ]] && echo "$folder" && return
    done
    return 1
}

has_packages() {
    local name
    for name in containerd runc nft ip curl openssl; do command -v "$name" >/dev/null || return 1; done
    cni_folder >/dev/null
}

apt_install() {
    local policy=/usr/sbin/policy-rc.d status=0 ours=no
    command -v apt-get >/dev/null || return 1
    say "apt-get install $*"
    # Debian starts a server when it installs one, unless a policy forbids it.
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && ours=yes
    fi
    # What is here stays as it is: others work with it.
    local options=(-y --no-install-recommends --no-upgrade -o DPkg::Lock::Timeout=300)
    export DEBIAN_FRONTEND=noninteractive
    apt-get install "${options[@]}" "$@" </dev/null >&2 ||
        { apt-get update </dev/null >&2 && apt-get install "${options[@]}" "$@" </dev/null >&2; } || status=1
    [[ $ours == no ]] || rm -f "$policy"
    return $status
}

# What the kubelet and the network set for the whole machine, and `down` sets back.
readonly kernel_settings=(net/ipv4/ip_forward vm/overcommit_memory kernel/panic kernel/panic_on_oops)

keep_settings() {
    local name
    [[ ! -f $run/settings ]] || return 0
    for name in "${kernel_settings[@]}"; do echo "$name $(<"/proc/sys/$name")"; done >"$run/settings"
}

restore_settings() {
    local name value
    [[ -f $run/settings ]] || return 0
    while read -r name value; do echo "$value" >"/proc/sys/$name" || true; done <"$run/settings"
}

foreign() { # What shows that this machine is a node of another cluster, which must not be disturbed.
    if ip link show "$bridge" >/dev/null 2>&1; then
        echo "a bridge $bridge"
    elif compgen -G '/sys/fs/cgroup/kubepods*' >/dev/null || compgen -G '/sys/fs/cgroup/*/kubepods*' >/dev/null; then
        echo "cgroups of pods"
    elif nft list table ip kube-proxy >/dev/null 2>&1; then
        echo "rules of kube-proxy"
    fi
}

# --- up --------------------------------------------------------------------------------------------------------------

kubectl() {
    local program=$kubernetes_place/kubectl
    [[ -x $program ]] || program=$(type -P kubectl)
    "$program" --kubeconfig "$run/kubeconfig" "$@"
}

ctr() { command ctr --address "$socket" --namespace k8s.io "$@"; }

is_node_ready() {
    [[ $(kubectl get node octo -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]]
}

write_config() { # name in config/, path
    sed "s|@RUN@|$run|g; s|@CNI@|$(cni_folder)|g; s|@ADDRESS@|$address|g; s|@PODS@|$pods_range|g" \
        "$parts/config/$1" >"$2"
}

up() {
    local found
    [[ $(uname -s) == Linux && $(id -u) == 0 ]] || die "the cluster needs root on Linux"
    if is_running && await_all; then
        say "it runs already"
        echo "$run/kubeconfig"
        return
    fi
    if is_claimed "$run"; then clear_away; fi
    found=$(foreign)
    [[ -z $found ]] || die "another cluster is on this machine, it has $found; stop that one first"
    # A path of a socket has at most 107 bytes.
    ((${#socket} < 90)) || die "the path $run is too long; name a shorter one in OCTO_CLUSTER_RUN"
    has_packages || apt_install "${packages[@]}" || die "could not install ${packages[*]}"
    has_all || "$script" build
    claim "$run" && chmod 700 "$run" && cd "$run" || exit
    rm -rf logs
    if ! start_all; then
        clear_away
        die "the cluster did not start; what its parts said is in $run/logs"
    fi
    say "it runs: export KUBECONFIG=$run/kubeconfig"
    echo "$run/kubeconfig"
}

# Called where a failure is looked at, so `set -e` does not hold in here: each step says what follows from its failure.
start_all() {
    start_network &&
        start_control_plane &&
        start_runtime &&
        start_node &&
        await_all
}

await_all() {
    await 60 "$run" "the node" is_node_ready &&
        await 60 "$run" "the ClusterIP of Kubernetes" answers "$run" "$services_first:443" &&
        await 60 "$run" "the account of pods" kubectl get serviceaccount default
}

start_network() {
    keep_settings &&
        ip link add "$bridge" type bridge &&
        ip address add "$address/24" dev "$bridge" &&
        ip link set "$bridge" up &&
        # A machine without a default route could not reach Services, and one with it would ask its network for them.
        ip route add "$services_range" dev "$bridge"
}

start_control_plane() {
    make_secrets "$run" &&
        # The kubelet obeys whoever has this certificate: it signs itself, so it is its own authority.
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=kube-apiserver \
            -keyout kubelet-client.key -out kubelet-client.crt 2>/dev/null &&
        start_etcd "$run" &&
        # 1.37 refuses loopback, and pods have to reach it.
        start_apiserver "$run" "$address" 6443 --advertise-address="$address" \
            --kubelet-preferred-address-types=InternalIP \
            --kubelet-client-certificate=kubelet-client.crt --kubelet-client-key=kubelet-client.key &&
        await 60 "$run" "the API server" answers "$run" "$address:6443" &&
        write_kubeconfig "$run" "$address:6443" &&
        # Port 0: neither of them listens.
        launch "$run" kube-controller-manager "$kubernetes_place/kube-controller-manager" --kubeconfig=kubeconfig \
            --secure-port=0 --leader-elect=false --root-ca-file=certs/apiserver.crt \
            --service-account-private-key-file=accounts.key --flex-volume-plugin-dir="$run/kubelet/volume-plugins" &&
        launch "$run" kube-scheduler "$kubernetes_place/kube-scheduler" --kubeconfig=kubeconfig \
            --secure-port=0 --leader-elect=false
}

start_runtime() {
    mkdir -p config/cni rootfs-pause &&
        write_config containerd.toml config/containerd.toml &&
        write_config cni.conflist config/cni/octo.conflist &&
        launch "$run" containerd containerd --config config/containerd.toml &&
        await 60 "$run" "containerd" ctr version &&
        cp "$kubernetes_place/pause" rootfs-pause/ &&
        load_image docker.io/library/pause:octo rootfs-pause /pause
}

start_node() {
    write_config kubelet.yaml config/kubelet.yaml &&
        write_config kube-proxy.yaml config/kube-proxy.yaml &&
        write_config Corefile config/Corefile &&
        launch "$run" kubelet "$kubernetes_place/kubelet" --config=config/kubelet.yaml --kubeconfig=kubeconfig \
            --root-dir="$run/kubelet" --cert-dir="$run/kubelet/pki" --hostname-override=octo --node-ip="$address" &&
        launch "$run" kube-proxy "$kubernetes_place/kube-proxy" --config=config/kube-proxy.yaml &&
        launch "$run" coredns "$coredns_place/coredns" -conf config/Corefile
}

# --- status ----------------------------------------------------------------------------------------------------------

readonly launched=(etcd kube-apiserver kube-controller-manager kube-scheduler containerd kubelet kube-proxy coredns)

is_running() {
    local name
    for name in "${launched[@]}"; do is_alive "$run" "$name" || return 1; done
}

status() {
    local name answer=0
    for name in "${launched[@]}"; do
        if is_alive "$run" "$name"; then
            printf '%-24s runs, process %s\n' "$name" "$(cut -d' ' -f1 "$run/pids/$name")"
        else
            printf '%-24s does not run\n' "$name"
            answer=1
        fi
    done
    if ((answer == 0)); then
        printf '\nexport KUBECONFIG=%s\n\n' "$run/kubeconfig"
        kubectl get nodes -o wide || answer=1
    fi
    return $answer
}

# --- down ------------------------------------------------------------------------------------------------------------

down() {
    [[ $(id -u) == 0 ]] || die "it was started by root, and only root can stop it"
    if ! is_claimed "$run"; then
        say "nothing runs"
        return
    fi
    cd /
    clear_away
    rm -rf "$run/logs" "$run/.octo-cluster"
    rmdir "$run" 2>/dev/null || say "there is more in $run: $(ls -A "$run")"
}

# All that `up` left, also after half of it; the logs stay.
clear_away() {
    local name
    for name in coredns kube-proxy kubelet kube-scheduler kube-controller-manager containerd; do
        stop "$run" "$name"
    done
    end_pods
    for name in kube-apiserver etcd; do stop "$run" "$name"; done
    unmount_all
    remove_network
    remove_cgroups
    restore_settings
    remove_traces
    (
        cd "$run" || exit
        rm -rf addresses certs config containerd etcd kubelet pids pods rootfs-pause runc \
            containerd.sock containerd.sock.ttrpc etcd.sock:0 peer.sock:0 accounts.key kubeconfig \
            kubelet-client.crt kubelet-client.key settings sockets tokens.csv
    )
}

children() { # id, and theirs
    local child
    for child in $(cat "/proc/$1"/task/*/children 2>/dev/null); do
        echo "$child"
        children "$child"
    done
}

# A shim holds the processes of each pod, and outlives containerd. The path of our socket among its arguments tells that
# it is ours.
shims() {
    local path words
    for path in /proc/[0-9]*; do
        words=$(cat "$path/cmdline" 2>/dev/null | tr '\0' ' ') || continue # it ended meanwhile
        if [[ $words == *containerd-shim*" -address $socket "* ]]; then echo "${path##*/}"; fi
    done
}

end_pods() {
    local shim child tries
    # Each shim listens on a socket in a folder that all containerd share.
    cat "$run"/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address 2>/dev/null | tr -d '\0' |
        grep -o '/run/containerd/s/[0-9a-f]*' >"$run/sockets" || true
    for shim in $(shims); do
        for child in $(children "$shim"); do kill -9 "$child" 2>/dev/null || true; done
        kill -9 "$shim" 2>/dev/null || true
    done
    for ((tries = 0; tries < 50; tries++)); do
        [[ -n $(shims) ]] || break
        sleep 0.1
    done
    xargs -r rm -f <"$run/sockets"
}

mounts() { awk -v under="$run/" 'index($2, under) == 1 {print $2}' /proc/self/mounts | tac; }

unmount_all() {
    local tries
    for tries in 1 2 3 4 5; do
        mounts | while read -r place; do umount "$place" 2>/dev/null || true; done
        [[ -n $(mounts) ]] || return 0
        sleep 0.5
    done
    # Invariant: nothing is removed through a mount: it may be a folder of the machine that a pod had.
    die "still mounted, so nothing was removed: $(mounts | tr '\n' ' ')"
}

remove_network() {
    local family
    [[ -f $run/settings ]] || return 0 # another's bridge kept us from starting
    if ip link show "$bridge" >/dev/null 2>&1; then ip link delete "$bridge"; fi
    for family in ip ip6; do nft delete table "$family" kube-proxy 2>/dev/null || true; done
}

remove_cgroups() {
    [[ -f $run/settings ]] || return 0
    find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
}

# What has its place outside of our folder, wherever that is.
remove_traces() {
    local link folder
    for link in /var/log/containers/*; do
        if [[ -L $link && $(readlink "$link") == "$run"/* ]]; then rm -f "$link"; fi
    done
    if [[ -d /var/lib/cni/results ]]; then
        grep -rlF "$run/containerd/" /var/lib/cni/results | xargs -r rm -f || true
    fi
    if [[ -f $run/settings ]]; then rm -f /var/lib/kubelet/device-plugins/kubelet.sock; fi
    for folder in /run/containerd/s /run/containerd /var/log/containers /var/lib/cni/results /var/lib/cni \
        /var/lib/kubelet/device-plugins /var/lib/kubelet; do
        rmdir "$folder" 2>/dev/null || true # what others use is not empty
    done
}
