#!/usr/bin/env bash
# Install the platform on a real cluster with real Helm, and try it. Arguments go to pytest.
#
# Without KUBECONFIG the cluster is that of scripts/cluster.sh, with images of this checkout: it is started, and stopped
# again unless it ran already. With KUBECONFIG it is that one; then the images are named as its nodes find them:
#   OCTO_E2E_IMAGE, OCTO_E2E_PLATFORM_IMAGE, OCTO_E2E_POSTGRES_IMAGE (default docker.io/library/postgres:18-trixie)
# Its Services must be reachable from here, and its default storage class must make volumes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly venv=${OCTO_VENV:-.venv}
tests=(tests/e2e)

say() { printf 'e2e: %s\n' "$*" >&2; }

if [[ -n ${KUBECONFIG:-} ]]; then
    for name in OCTO_E2E_IMAGE OCTO_E2E_PLATFORM_IMAGE; do
        [[ -n ${!name:-} ]] || { say "name the image in $name, as the nodes of $KUBECONFIG find it" && exit 2; }
    done
    export OCTO_E2E_KUBECONFIG=$KUBECONFIG
    export OCTO_E2E_POSTGRES_IMAGE=${OCTO_E2E_POSTGRES_IMAGE:-docker.io/library/postgres:18-trixie}
else
    tests+=(tests/platform/deploy/kubernetes/test_real.py) # it pulls no image
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    if ! scripts/cluster.sh status >/dev/null 2>&1; then
        trap 'scripts/cluster.sh down; rm -rf "$work"' EXIT
    fi
    OCTO_E2E_KUBECONFIG=$(scripts/cluster.sh up | tail -n 1)
    export OCTO_E2E_KUBECONFIG OCTO_E2E_VOLUMES=$work/volumes
    scripts/cluster.sh load-image octo:dev "$(scripts/cluster.sh image "$work/octo.tar")"
    scripts/cluster.sh load-image octo-platform:dev "$(scripts/cluster.sh platform-image "$work/platform.tar")"
    scripts/cluster.sh load-image octo-postgres:dev "$(scripts/cluster.sh postgres-image "$work/postgres.tar")"
fi

PATH=$(scripts/cluster.sh path):$PATH "$venv/bin/python" -m pytest "${tests[@]}" "$@"
