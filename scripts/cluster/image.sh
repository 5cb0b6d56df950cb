# Images for pods, made without a registry. Sourced by cluster.sh.

readonly checkout=${parts%/scripts/cluster}
readonly venv=${OCTO_VENV:-$checkout/.venv}
readonly runtime_extras=(postgres nats redis amqp mqtt crypto)

make_image() { # name, path of the tar, extras of the package
    local name=$1 tar
    tar=$(realpath -m "$2")
    need_venv
    work=$(mktemp -d) # no local: the trap needs it
    trap 'rm -rf "$work"' EXIT
    install_packages "$work" "${@:3}" || die "the packages could not be installed; is the network there?"
    install -D "$checkout/deploy/images/octo" "$work/rootfs/usr/local/bin/octo"
    nice "$venv/bin/python" "$parts/rootfs.py" "$work/rootfs"
    "$venv/bin/python" "$parts/image.py" --workdir /flows --env PYTHONDONTWRITEBYTECODE=1 \
        --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "docker.io/library/$name" "$work/rootfs" "$tar" octo
    say "$name has $(du -sm "$work/rootfs" | cut -f1) MB"
    echo "$tar"
}

need_venv() { [[ -x $venv/bin/uv ]] || die "there is no $venv; make it with scripts/setup.sh dev, or name one in OCTO_VENV"; }

# The versions are those of uv.lock, which the tests run with.
install_packages() ( # folder, extras
    version=$("$venv/bin/python" -c 'import sys; print("python3.%d" % sys.version_info[1])')
    work=$1
    shift
    site=$work/rootfs/usr/local/lib/$version/site-packages
    export UV_PYTHON=$venv/bin/python UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=$venv
    cd "$checkout" &&
        OCTO_WITHOUT_EDITOR=1 "$venv/bin/uv" build --quiet --wheel --out-dir "$work/wheel" &&
        "$venv/bin/uv" export --quiet --frozen --no-dev --no-emit-project "${@/#/--extra=}" \
            --output-file "$work/lock.txt" &&
        "$venv/bin/uv" pip install --quiet --no-deps --link-mode copy --target "$site" \
            --requirement "$work/lock.txt" "$work"/wheel/*.whl &&
        # What would differ each time: they name folders of today, and their checksums.
        rm -rf "${site:?}/bin" "$site"/*.dist-info/{direct_url,uv_cache}.json "$site"/octo_flows-*.dist-info/RECORD
)

load_image() { # name, tar or rootfs, entrypoint of a rootfs...
    local name=$1 tar=$2 made='' inside
    is_alive "$run" containerd || die "the cluster does not run; start it: scripts/cluster.sh up"
    # As the kubelet understands a short name: what is before the first slash is a server if it looks like one.
    [[ $name == */* ]] || name=library/$name
    [[ ${name%%/*} == *[.:]* ]] || name=docker.io/$name
    if [[ -d $tar ]]; then
        (($# > 2)) || die "a folder has no entrypoint: load-image NAME ROOTFS ENTRYPOINT..."
        made=$(mktemp --suffix=.tar)
        "$(find_python)" "$parts/image.py" "$name" "$tar" "$made" "${@:3}" || return 1
        tar=$made
    fi
    inside=$(tar -xOf "$tar" manifest.json | sed -n 's/.*"RepoTags": *\["\([^"]*\)".*/\1/p') &&
        ctr images import "$tar" >&2 || return 1
    if [[ $inside != "$name" ]]; then ctr images tag --force "$inside" "$name" >&2 || return 1; fi
    if [[ -n $made ]]; then rm -f "$made"; fi
}

find_python() {
    local candidate
    for candidate in "$venv/bin/python" python3; do
        command -v "$candidate" && return
    done
    die "there is no Python here"
}
