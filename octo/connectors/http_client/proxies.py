"""Which proxy a request goes through, as the settings or the environment say."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from yarl import URL

from octo.connectors.http_client import codes, settings
from octo.core.errors import OctoError
from octo.core.secrets import mask


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address without credentials, and the value of `Proxy-Authorization`, if it asks for one."""

    url: URL
    authorization: str | None = None

    @property
    def place(self) -> str:
        return f"{self.url.host}:{self.url.port}"


class Proxies:
    """The proxies of one connector.

    environ: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in capital or small letters, are read unless the settings name a
        proxy or say no. As in Go's client, the environment's is never used for `localhost` and 127.0.0.1: there the
        proxy would look for them on its own machine.
    Raises `OctoError` for a proxy that cannot be used.
    """

    def __init__(self, given: settings.Proxy, environ: Mapping[str, str]) -> None:
        self._by_scheme: dict[str, Proxy] = {}
        self._never: list[str] = list(given.bypass)
        self._spare_loopback = given.url is None
        if given.url is not None:
            password = given.password.get_secret_value() if given.password else ""
            proxy = Proxy(URL(given.url), _basic(given.username, password) if given.username else None)
            self._by_scheme = {"http": proxy, "https": proxy}
        elif given.from_env:
            self._by_scheme = _of_environment(environ)
            self._never += _variable(environ, "NO_PROXY")[1].replace(",", " ").split()

    def __iter__(self) -> Iterator[Proxy]:
        return iter(self._by_scheme.values())

    def of(self, url: URL) -> Proxy | None:
        """Return the proxy for an address, None to go there directly."""
        if not self._by_scheme or self._passes_by(url):
            return None
        return self._by_scheme.get(url.scheme)

    def _passes_by(self, url: URL) -> bool:
        host, port = (url.host or "").rstrip("."), url.port or 0
        if self._spare_loopback and _is_this_machine(host):
            return True
        return any(_matches(entry.strip().lower(), host, port) for entry in self._never)


def _of_environment(environ: Mapping[str, str]) -> dict[str, Proxy]:
    found = {}
    for scheme in ("http", "https"):
        name, value = _variable(environ, f"{scheme.upper()}_PROXY")
        if value:
            found[scheme] = _read(value, name)
    return found


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the name and the value of a variable in capital or small letters."""
    return next(((each, text) for each in (name, name.lower()) if (text := environ.get(each, "").strip())), (name, ""))


def _read(text: str, name: str) -> Proxy:
    """Return the proxy at an address, which may be `host:port`. The error does not show it: it may have a password."""
    try:
        url = URL(text if "://" in text else f"http://{text}")
        usable = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        usable = False
    if not usable:
        raise OctoError(
            f"the environment variable {name} is not the address of an HTTP proxy; write e.g. http://proxy:3128, or "
            "set the connector's `proxy.fromEnv: false`",
            code=codes.PROXY,
        )
    return Proxy(url.origin(), _basic(url.user or "", url.password or "") if url.user or url.password else None)


def _basic(username: str, password: str) -> str:
    encoded = b64encode(f"{username}:{password}".encode()).decode()
    mask(password)
    mask(encoded)
    return f"Basic {encoded}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether an entry means this server: `*`, a name and all below it, an address or a range, each with a port."""
    if entry == "*":
        return True
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.startswith("[")):
        if int(number[:6]) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    try:
        address = ip_address(host)
    except ValueError:
        suffix = entry.removeprefix("*").strip(".")
        return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False
