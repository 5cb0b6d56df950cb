# The programs of a cluster, built with Go and kept outside the checkout. Sourced by cluster.sh.

# Each folder with a go.mod pins its programs, and go.sum their contents.
pinned() { sed -nE "s,^(require |\t)$1 v([^ ]+)$,\\2,p" "$parts/$2/go.mod"; }
kubernetes_version=$(pinned k8s.io/kubernetes kubernetes)
readonly kubernetes_version
readonly kubernetes_place=$cache/$kubernetes_version
helm_place=$cache/helm-$(pinned helm.sh/helm/v4 helm)
coredns_place=$cache/coredns-$(pinned github.com/coredns/coredns coredns)
readonly helm_place coredns_place

readonly api_programs=(kube-apiserver etcd)
readonly node_programs=(kube-controller-manager kube-scheduler kubelet kube-proxy)

has_api() { [[ -x $kubernetes_place/kube-apiserver && -x $kubernetes_place/etcd ]]; }

has_all() {
    local name
    for name in "${api_programs[@]}" "${node_programs[@]}" pause; do
        [[ -x $kubernetes_place/$name ]] || return 1
    done
    [[ -x $helm_place/helm && -x $coredns_place/coredns ]] && has_kubectl
}

has_kubectl() { [[ -x $kubernetes_place/kubectl ]] || command -v kubectl >/dev/null; }

need_go() {
    command -v go >/dev/null ||
        die "the cluster is built with Go, which is not here; install Go 1.26 or newer: https://go.dev/dl"
}

# Built beside its place and renamed: a program that is there is whole.
build_go() { # folder of the module, package, place, more flags of the linker
    local name=${3##*/} part flags
    [[ -x $3 ]] && return
    need_go
    say "building $name"
    mkdir -p "${3%/*}"
    rm -rf "${3%/*}/.$name."* # of a build that was killed
    part=$(mktemp -d "${3%/*}/.$name.XXXXXX")
    flags=(-p="${OCTO_CLUSTER_JOBS:-2}" -buildvcs=false -mod=readonly -trimpath -ldflags "-s -w ${4:-}")
    if (cd "$parts/$1" && GOFLAGS='' CGO_ENABLED=0 nice -n 19 go build "${flags[@]}" -o "$part/$name" "$2"); then
        mv "$part/$name" "$3" && rm -rf "$part"
    else
        rm -rf "$part"
        die "$name could not be built; is the network there?"
    fi
}

build_kubernetes() { # name of the program
    # Without these the programs call themselves v0.0.0, which charts and clients that ask for a version refuse.
    local version=k8s.io/component-base/version flags minor=${kubernetes_version#*.}
    flags="-X $version.gitVersion=v$kubernetes_version"
    flags+=" -X $version.gitMajor=${kubernetes_version%%.*} -X $version.gitMinor=${minor%%.*}"
    build_go kubernetes "k8s.io/kubernetes/cmd/$1" "$kubernetes_place/$1" "$flags"
}

build_pause() {
    [[ -x $kubernetes_place/pause ]] && return
    local compiler part=$kubernetes_place/.pause.$$
    compiler=$(command -v cc || command -v gcc) || compiler=gcc
    command -v "$compiler" >/dev/null || apt_install gcc libc6-dev || die "no C compiler is here; install gcc"
    "$compiler" -Os -static -s -o "$part" "$parts/pause.c" && mv "$part" "$kubernetes_place/pause"
}

build_api() {
    build_kubernetes kube-apiserver
    build_go kubernetes go.etcd.io/etcd/server/v3 "$kubernetes_place/etcd"
}

build_all() {
    local name
    build_api
    for name in "${node_programs[@]}"; do build_kubernetes "$name"; done
    build_pause
    build_go helm helm.sh/helm/v4/cmd/helm "$helm_place/helm"
    build_go coredns github.com/coredns/coredns "$coredns_place/coredns"
    has_kubectl || build_kubernetes kubectl
}
