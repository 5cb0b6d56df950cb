"""What `octo doctor` looks at: Python, packages, ports, folders and files, each with what to do about it.

Nothing is changed and nothing outside this machine is asked. No value of a variable or setting is in a text, except
ports, folders and the names of drivers.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import shlex
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from octo.cli.requirements import EXTRAS, Finding, Level, installed, missing, requirements, version
from octo.config.documents import Config, ConnectorDoc
from octo.core.errors import OctoError

FILES = 4096
"""Below so many open files a server runs out of them under load."""
SPACE = 100 * 1024 * 1024
"""Bytes that should be free where Octo writes."""
OLDEST, NEWEST = (3, 11), (3, 13)
"""The versions of Python that Octo is tested with."""
_OLDEST_SQLITE = (3, 35)
"""The first with RETURNING."""


def machine() -> Iterator[Finding]:
    """What does not depend on the flows."""
    yield _python()
    yield _command()
    yield from installed()
    yield _files()
    yield _zones()


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < OLDEST:
        return Finding("fail", "python", f"{text}; at least {_dotted(OLDEST)} is needed", "uv python install 3.13")
    if sys.version_info[:2] > NEWEST:
        return Finding("warn", "python", f"{text}; tested up to {_dotted(NEWEST)}", "uv python install 3.13")
    if platform.system() not in ("Linux", "Darwin"):
        return Finding("warn", "python", f"{text}; Octo is tested on Linux and macOS", "wsl --install")
    return Finding("ok", "python", text)


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def _command() -> Finding:
    """Whether the `octo` that the shell finds is the one that runs."""
    from octo import __version__

    own = Path(sys.executable).parent
    found = shutil.which("octo")
    if found is None:
        return Finding("warn", "octo", f"{__version__}, but PATH has no octo", f'export PATH="{own}:$PATH"')
    if Path(found).parent.resolve() != own.resolve() and Path(found).resolve().parent != own.resolve():
        return Finding("warn", "octo", f"{__version__}, but PATH finds {found}", f'export PATH="{own}:$PATH"')
    return Finding("ok", "octo", f"{__version__}, {found}")


# --- the system --------------------------------------------------------------------------------------------------


def _files() -> Finding:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        text = f"at most {hard}: a server runs out of them under load"
        return Finding("warn", "open files", text, "ulimit -Hn 65536  # as root, or LimitNOFILE=65536 of the service")
    most = "without a limit" if hard == resource.RLIM_INFINITY else f"at most {hard}"
    return Finding("ok", "open files", most + (f", raised from {soft} at the start" if soft != hard else ""))


def _zones() -> Finding:
    import zoneinfo

    fix = "pip install --upgrade tzdata"
    if not (zones := zoneinfo.available_timezones()):
        return Finding("fail", "time zones", "the system has none", fix)
    local = os.environ.get("TZ", "").removeprefix(":")
    if local and "/" in local and not local.startswith("/") and local not in zones:
        return Finding("warn", "time zones", f"TZ names none of the {len(zones)}: {local}", "unset TZ")
    return Finding("ok", "time zones", f"{len(zones)} known")


# --- what flows use ----------------------------------------------------------------------------------------------


def ports(config: Config, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the ports that `octo run` would open are free."""
    servers = [doc for doc in config.connectors.values() if doc.type.name == "http"]
    for doc in servers:
        yield _port(doc, alone=len(servers) == 1)
    yield from _operations(environ)


def _operations(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the operations port is free. Only one that was asked for must be."""
    from octo.operations.address import DEFAULT, VARIABLE, parse

    asked = environ.get(VARIABLE, "")
    try:
        address = parse(asked or DEFAULT) if asked != "off" else None
    except ValueError as error:
        yield Finding("fail", "operations port", str(error), f"unset {VARIABLE}")
        return
    if address is not None and not address.path:
        found = _free(f"port {address.port}", "operations port", address.host, address.port, alone=False)
        level: Level = "warn" if found.level == "fail" and not asked else found.level
        yield found._replace(
            level=level, fix=found.fix and f"octo run --admin-addr 127.0.0.1:{_next('127.0.0.1', address.port)}"
        )


def _port(doc: ConnectorDoc, *, alone: bool) -> Finding:
    host = doc.settings.host or os.environ.get("HTTP_HOST") or "0.0.0.0"  # type: ignore[attr-defined]  # noqa: S104
    port: int | None = doc.settings.port  # type: ignore[attr-defined]
    try:
        port = int(os.environ.get("HTTP_PORT") or 8080) if port is None else port
    except ValueError:
        return Finding("fail", f"connector {doc.name}", "HTTP_PORT is not a number", "export HTTP_PORT=8080")
    if port == 0:
        return Finding("ok", f"connector {doc.name}", "takes a free port")
    return _free(f"port {port}", f"connector {doc.name}", host, port, alone=alone)


def _free(subject: str, who: str, host: str, port: int, *, alone: bool) -> Finding:
    from octo.core.addresses import holder

    problem = _bind(host, port)
    if problem is None:
        return Finding("ok", subject, f"free, for the {who}")
    if problem.errno == errno.EADDRINUSE:
        by = holder(port)
        text = f"taken{f' by {by}' if by else ''}; the {who} wants it"
        return Finding("fail", subject, text, f"octo run --port {_next(host, port)}" if alone else _end(by, port))
    if problem.errno == errno.EACCES:
        fix = f"sudo sysctl net.ipv4.ip_unprivileged_port_start={port}"
        return Finding("fail", subject, f"this user may not open it; the {who} wants it", fix)
    reason = problem.strerror or type(problem).__name__
    return Finding("fail", subject, f"the {who} cannot listen at {host}: {reason}", "export HTTP_HOST=127.0.0.1")


def _bind(host: str, port: int) -> OSError | None:
    """Why the address cannot be listened at, None if it can."""
    from octo.core.addresses import Resolved, bound

    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, protocol, _, where in found[:1]:
            bound(Resolved(family, protocol, where), 1).close()
    except OSError as error:
        return error
    return None


def _next(host: str, port: int) -> int:
    """The next port that is free; 0, for any, if the next few are not."""
    return next((each for each in range(port + 1, min(port + 20, 65536)) if _bind(host, each) is None), 0)


def _end(by: str, port: int) -> str:
    """How to end what has the port."""
    found = re.match(r"process (\d+)", by)
    return f"kill {found[1]}" if found else f"lsof -i :{port}"


def drivers(config: Config) -> Iterator[Finding]:
    """The versions of the drivers that the connectors use."""
    databases = [doc for doc in config.connectors.values() if doc.type.name == "database"]
    for driver in dict.fromkeys(doc.settings.driver for doc in databases):  # type: ignore[attr-defined]
        if driver == "sqlite":
            yield _sqlite()
        elif packages := [each for each in requirements().get(EXTRAS[driver], []) if version(each)]:
            yield Finding("ok", f"driver {driver}", ", ".join(f"{each} {version(each)}" for each in packages))


def _sqlite() -> Finding:
    text = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info[:2] < _OLDEST_SQLITE:
        return Finding("warn", "driver sqlite", f"{text} is old: no RETURNING", "uv python install 3.13")
    return Finding("ok", "driver sqlite", text)


def folders(config: Config | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the folders that Octo writes into let it, and have room."""
    from octo.core.spool import FOLDER

    spool = Path(environ.get(FOLDER) or tempfile.gettempdir())
    yield _writable("spool folder", spool, "large content", "fail")
    yield _writable("trace folder", _traces(environ), "--traces", "warn")
    yield from _storage(environ.get("OCTO_SERVICES", ""))
    for name, path in _written(config):
        yield _writable(f"folder of {name}", path, f"the connector {name}", "fail")


def _storage(places: str) -> Iterator[Finding]:
    """Whether the files that services are in can be written. No URL is quoted: it may hold a password."""
    from octo.services.places import openers

    try:
        openers(places)
    except OctoError as error:
        yield Finding("fail", "services", str(error), f"octo explain {error.code}")
        return
    for url in (_NAMED.sub("", part.strip()) for part in places.split(",")):
        if url.startswith("sqlite:"):
            folder = Path(url.removeprefix("sqlite:").removeprefix("//")).absolute().parent
            there = next(each for each in (folder, *folder.parents) if each.exists())
            yield _writable("storage folder", there, "the services", "fail")
        for extra, name, pattern in _SERVERS:
            if pattern.match(url) and (packages := missing(extra)):
                text = f"{', '.join(packages)} is not installed; the services in {name} need it"
                yield Finding("fail", "services", text, f"pip install 'octo-flows[{extra}]'")


_NAMED = re.compile(r"\A[\w-]+\s*=\s*")
_SERVERS = (
    ("postgres", "PostgreSQL", re.compile(r"postgres(ql)?:", re.IGNORECASE)),
    ("redis", "Redis", re.compile(r"(redis|valkey)s?:", re.IGNORECASE)),
    ("nats", "NATS", re.compile(r"(nats|tls):", re.IGNORECASE)),
)


def _traces(environ: Mapping[str, str]) -> Path:
    kind, _, place = (environ.get("OCTO_TRACES_STORE") or "sqlite:.octo/traces.db").partition(":")
    folder = Path(place).parent if kind in ("sqlite", "file") and place else Path(".octo")
    return folder if folder.exists() or folder != Path(".octo") else Path()


def _written(config: Config | None) -> Iterator[tuple[str, Path]]:
    """The folders of the files that connectors write."""
    for doc in () if config is None else config.connectors.values():
        if doc.type.name == "database" and doc.settings.driver == "sqlite":  # type: ignore[attr-defined]
            dsn: str = doc.settings.dsn.get_secret_value()  # type: ignore[attr-defined]
            if dsn and not dsn.startswith(("file:", ":")):
                yield doc.name, Path(dsn).parent
        elif doc.type.name == "logger":
            output: str = getattr(doc.settings, "output", "") or "stdout"
            if output not in ("stdout", "stderr"):
                yield doc.name, Path(output).parent


def _writable(subject: str, folder: Path, who: str, level: Level) -> Finding:
    shown = str(folder.absolute())
    if not folder.is_dir():
        return Finding(level, subject, f"{shown} does not exist; {who} needs it", f"mkdir -p {shlex.quote(shown)}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        fix = f"sudo chown $USER {shlex.quote(shown)}" if error.errno == errno.EACCES else f"df -h {shlex.quote(shown)}"
        return Finding(level, subject, f"{shown} cannot be written, for {who}: {error.strerror}", fix)
    if free < SPACE:
        text = f"{shown} has only {free // (1024 * 1024)} MiB left"
        return Finding("warn", subject, text, f"df -h {shlex.quote(shown)}")
    return Finding("ok", subject, shown)


def dotenv(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the `.env` files that are read can be read, and by nobody else."""
    named = environ.get("OCTO_ENV_FILE")
    found = {path.resolve(): path for path in (folder / ".env", Path(".env")) if path.exists()}
    if named:
        found[Path(named).resolve()] = Path(named)
    if not found:
        yield Finding("ok", ".env", "there is none")
    for path in found.values():
        yield _secret(path)


def _secret(path: Path) -> Finding:
    try:
        mode = path.stat().st_mode
        with path.open("rb"):
            pass
    except OSError as error:
        fix = "unset OCTO_ENV_FILE" if isinstance(error, FileNotFoundError) else f"ls -l {shlex.quote(str(path))}"
        return Finding("fail", ".env", f"{path} cannot be read: {error.strerror}", fix)
    if stat.S_IMODE(mode) & 0o077:
        text = f"others may read {path}, which may hold secrets (mode {stat.S_IMODE(mode):o})"
        return Finding("warn", ".env", text, f"chmod 600 {shlex.quote(str(path))}")
    return Finding("ok", ".env", f"only you can read {path}")
