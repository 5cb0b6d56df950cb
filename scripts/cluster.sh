#!/usr/bin/env bash
# A Kubernetes of one node on this machine, built from source, for the tests: no image is pulled, and nothing listens
# outside of loopback and a bridge of its own. It needs root on Debian or Ubuntu, and Go for the first time.
#
#   cluster.sh up                    build what is missing, start it, print the path of its kubeconfig
#   cluster.sh down                  stop it, also after half of an `up`
#   cluster.sh status                what runs; fails if something does not
#   cluster.sh image [TAR]           make the image octo:dev from this checkout, print the path of its tar
#   cluster.sh platform-image [TAR]  the same for octo-platform:dev
#   cluster.sh postgres-image [TAR]  the same for octo-postgres:dev, which is what the chart takes for PostgreSQL's own
#   cluster.sh load-image NAME TAR   give an image to the cluster; pods take it with `imagePullPolicy: Never`
#   cluster.sh load-image NAME ROOTFS ENTRYPOINT...    the same for a folder
#
#   cluster.sh api-up FOLDER [PID]   the API server alone, with its data in FOLDER: no root, no pods, some 4 seconds;
#                                    it stops by itself when the process PID ends
#   cluster.sh api-down FOLDER       stop it and remove its data
#
#   cluster.sh build [--api-only]    build what is missing: ten minutes on two free cores, or three; more on busy ones
#   cluster.sh path                  the folders of what was built, as for PATH
#
# OCTO_CLUSTER_CACHE is where programs are kept, OCTO_CLUSTER_RUN where the cluster has its data.
set -euo pipefail

parts=$(cd "$(dirname "${BASH_SOURCE[0]}")/cluster" && pwd)
script=$(dirname "$parts")/cluster.sh
cache=${OCTO_CLUSTER_CACHE:-$HOME/.cache/octo-cluster}
run=$(realpath -m "${OCTO_CLUSTER_RUN:-$cache/run}")
readonly parts script cache run

say() { printf 'cluster: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

for part in build processes api node image postgres; do
    source "$parts/$part.sh"
done

turn() { # Two calls at once take turns.
    mkdir -p "$cache"
    exec 9>"$cache/.$1.lock"
    if command -v flock >/dev/null; then flock 9; fi
}

case "${1:-}:$#" in
    build:1) turn build && build_all ;;
    build:2) [[ $2 == --api-only ]] || die "unknown option $2; there is --api-only" && turn build && build_api ;;
    path:1) echo "$kubernetes_place:$helm_place:$coredns_place" ;;
    api-up:[23]) api_up "$2" "${3:-}" ;;
    api-watch:3) api_watch "$2" "$3" ;;
    api-down:2) api_down "$2" ;;
    up:1) turn up && up ;;
    down:1) turn up && down ;;
    status:1) status ;;
    image:[12]) make_image octo:dev "${2:-$cache/octo.tar}" "${runtime_extras[@]}" ;;
    platform-image:[12])
        make_image octo-platform:dev "${2:-$cache/octo-platform.tar}" platform "${runtime_extras[@]}"
        ;;
    postgres-image:[12]) make_postgres_image "${2:-$cache/octo-postgres.tar}" ;;
    load-image:*) load_image "${@:2}" ;;
    *)
        sed -n 's/^#   //p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
