"""The files that any Python process needs: those of Python itself, and of the system around it."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress

_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"),
    # Of a process that is not closed in as well, neither variables nor memory nor files can be read there.
    "/proc",
    *("/sys/devices/system/cpu", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
    *("/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path"),
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf"),
    *("/etc/services", "/etc/protocols", "/etc/passwd", "/etc/group"),
    *("/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/os-release", "/etc/debian_version"),
    *("/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/ca-certificates"),
    *("/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf", "/etc/pki/ca-trust"),
    *("/etc/crypto-policies", "/etc/alternatives"),
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""Those are read and written."""
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def read(hidden: Collection[str]) -> Iterator[str]:
    """What may be read, as far as it is there; nothing of it is hidden, or has something hidden below it."""
    named = [os.environ[name] for name in _CERTIFICATES if os.environ.get(name)]
    hides = {os.path.realpath(each) for each in hidden}
    for each in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix, *sys.path, *_SYSTEM, *named)):
        if each and os.path.exists(each):  # noqa: PTH110  as in `enclosed`
            yield from around(_lasting(each), hides)


def _lasting(path: str) -> str:
    """Where the path leads, or the folder of that: what is not in /etc itself is replaced by a new file at times."""
    real = os.path.realpath(path)
    return os.path.dirname(real) if path.startswith("/etc/") and real.startswith("/run/") else real  # noqa: PTH120


def around(path: str, hidden: Collection[str]) -> Iterator[str]:
    """The path, or what is in it beside what is hidden: rights to a folder are rights to all that is below it."""
    if path in hidden:
        return
    if not any(each.startswith(path.rstrip("/") + "/") for each in hidden):
        yield path
        return
    with suppress(OSError):  # what cannot be listed is left out
        for each in os.scandir(path):
            if not each.is_symlink():
                yield from around(each.path, hidden)
