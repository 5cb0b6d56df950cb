"""The settings of an `http-client` connector."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from octo.connectors.http_client.addresses import Private
from octo.connectors.http_client.paths import complain
from octo.core.durations import Duration, OrZero
from octo.core.settings import WEB, Advanced, Reaches, Secret, Settings
from octo.core.tls import ClientTls
from octo.expr import nearest

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
DEFAULT_TIMEOUT = 30.0
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HOST = re.compile(r"(?:[\w.~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_NAMES_A_SECRET = re.compile(
    "authorization|cookie|token|secret|passw|credential|(^|api|access|auth|subscription|[-_])key$", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def header_fault(name: str) -> str:
    """Return why a request may not have a header of this name, "" if it may."""
    if not _TOKEN.fullmatch(name):
        return f"{name[:80]!r} is not a header name"
    if name.lower() in ("content-length", "transfer-encoding", "connection"):
        return f"the header {name} is written by the connector itself"
    return ""


def _header(name: str) -> str:
    if fault := header_fault(name):
        raise complain(fault)
    return name


def _id_header(name: str) -> str:
    if name.lower() == "host":
        raise complain("the header Host names the server")
    return _header(name) if name else name


def is_host(value: str) -> bool:
    """Whether the text can be the value of `Host`: a name or an address, with a port or without."""
    return _HOST.fullmatch(value) is not None


def is_value(value: str) -> bool:
    """Whether the text can be a header's value: one line, no control characters, no half characters."""
    return not _CONTROL.search(value)


def _value(value: str) -> str:
    if not is_value(value):
        raise complain("a header value is one line without control characters")
    return value


def _method(name: str) -> str:
    method = name.strip().upper()
    if method not in METHODS:
        near = nearest(method, METHODS)
        raise complain(f"{name!r} is not a method{f'; did you mean {near}?' if near else ''}")
    return method


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise complain("write an absolute address, e.g. `https://api.example.com/v1`")
    try:
        parts.port  # noqa: B018  raises
    except ValueError:
        raise complain("a port is a number from 1 to 65535") from None
    if parts.username is not None:
        raise complain("credentials belong under `auth`, not into the address, which is written to logs")
    return text


def _without_credentials(address: str) -> tuple[str, str, str] | None:
    """The address, and the user and password that were in it; None if there were none, or if it is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if not parts.username:
        return None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, unquote(parts.username), unquote(parts.password or "")


def _server(entry: str) -> str:
    if "/" in entry:
        try:
            ip_network(entry, strict=False)
        except ValueError:
            raise complain(f"{entry!r} is no range of addresses; write e.g. `10.0.0.0/8`, or a name") from None
    return entry


HeaderName = Annotated[str, AfterValidator(_header)]
HeaderValue = Annotated[str, AfterValidator(_value)]
OptionalHeader = Annotated[str, AfterValidator(_id_header)]
Method = Annotated[str, AfterValidator(_method)]
Url = Annotated[str, AfterValidator(_url)]

_NEEDED = {
    "": (),
    "bearer": ("token",),
    "basic": ("username",),
    "oauth2": ("tokenURL", "clientID", "clientSecret"),
}
_FIELDS = {
    "": (),
    "bearer": ("token",),
    "basic": ("username", "password"),
    "oauth2": ("tokenURL", "clientID", "clientSecret", "scopes"),
}


class Auth(Settings):
    """Credentials for the server. A request with an Authorization header of its own keeps that."""

    type: Literal["", "bearer", "basic", "oauth2"] = ""
    """`bearer` sends `token`, `basic` sends `username` and `password`, `oauth2` fetches tokens by the client
    credentials grant. Empty: no credentials."""
    token: Secret | None = None
    """The token of `bearer`."""
    username: str | None = None
    """The user of `basic`."""
    password: Secret | None = None
    """The password of `basic`; may be empty."""
    token_url: Annotated[Url | None, Reaches(WEB)] = Field(default=None, alias="tokenURL")
    """Where `oauth2` fetches its tokens."""
    client_id: str | None = Field(default=None, alias="clientID")
    """The id of `oauth2`; sent with the secret by HTTP Basic."""
    client_secret: Secret | None = None
    """The secret of `oauth2`."""
    scopes: list[str] = Field(default_factory=list)
    """The scopes that `oauth2` asks for; empty leaves them to the server."""

    @model_validator(mode="after")
    def _complete(self) -> Auth:
        for name, info in type(self).model_fields.items():
            key = info.alias or name
            if key == "type":
                continue
            value = getattr(self, name)
            if key in _NEEDED[self.type] and not _text(value):
                raise complain(f"`{self.type}` needs `{key}`")
            if name in self.model_fields_set and _text(value) and key not in _FIELDS[self.type]:
                raise complain(f"`{key}` does not belong to type {self.type!r}")
        if self.token is not None and not is_value(self.token.get_secret_value()):
            raise complain("`token` has a line break or control character; a file may end with one")
        return self


class _OfAddress(Auth):
    """Credentials that were written into `baseURL`."""


def _text(value: object) -> object:
    return value.get_secret_value() if isinstance(value, Secret) else value


class Cache(Settings):
    """A cache of answers in memory, for GET only."""

    enabled: bool = False
    """Whether to keep answers at all."""
    ttl: Duration = timedelta(seconds=60)
    """An answer is used for at most this time. The server may shorten that (`max-age`, `Expires`) or forbid it
    (`no-store`, `no-cache`, `private`, `Vary: *`, `Set-Cookie`)."""
    max_entries: Annotated[int, Advanced] = Field(default=256, ge=1)
    """At most this many answers are kept, and at most 32 MiB together; the least recently used are dropped first."""


class Retry(Settings):
    """Repeating requests that failed for a passing reason."""

    max_attempts: int = Field(default=3, ge=0)
    """At most this many attempts per request; 1 or 0 never repeats. Not counted: one more try with a new token after a
    401, which says that nothing was done."""
    methods: list[Method] = Field(default_factory=lambda: list(IDEMPOTENT))
    """Methods whose requests may be sent again, although the server may have carried them out. Add POST or PATCH only
    if the server recognises what it has done. A request with an `Idempotency-Key` header may be sent again anyway."""
    min_backoff: Annotated[Duration, Advanced] = timedelta(milliseconds=200)
    """The first wait; each further one is twice as long. Each is shortened at random, by at most a half, so that many
    clients do not come back at once."""
    max_backoff: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """The longest wait, also when the server asks for a longer one with `Retry-After`. No wait begins that cannot end
    before the deadline of the flow, or of a `timeout` around the block: the last error is raised at once."""


class Pool(Settings):
    """Connections kept open between requests. How many are open at once is not limited."""

    max_idle_conns: int = Field(default=100, ge=0)
    """At most this many unused connections are kept altogether; 0 means no limit."""
    max_idle_conns_per_host: int = Field(default=100, ge=0)
    """At most this many unused connections are kept per server; 0 means no limit."""
    idle_conn_timeout: Duration = timedelta(seconds=90)
    """How long to keep an unused connection."""
    disable_keep_alives: bool = False
    """Open a connection for every request."""


class Proxy(Settings):
    """A proxy between the client and the server: an `http` request is sent through it, `https` tunnelled."""

    url: Annotated[Url | None, Reaches(WEB)] = Field(default=None, examples=["http://proxy.example.com:3128"])
    """Its address, e.g. `http://proxy.example.com:3128`. Without one, the environment's is used."""
    username: str | None = None
    """The user that the proxy knows."""
    password: Secret | None = None
    """The user's password."""
    bypass: list[Annotated[str, AfterValidator(_server)]] = Field(default_factory=list)
    """Servers to call directly: names with all names below them (`example.com`), addresses, ranges (`10.0.0.0/8`), each
    with a port if wanted, or `*`."""
    from_env: bool = True
    """Whether to use HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in capital or small letters, if there is no `url`. For
    `localhost` and 127.0.0.1 they are never used."""

    @model_validator(mode="after")
    def _complete(self) -> Proxy:
        if self.username is None and self.password is not None:
            raise complain("`password` needs `username`")
        if self.url is None and self.username is not None:
            raise complain("`username` belongs to `url`")
        return self


FollowRedirects = Literal["never", "same-origin", "always"]


class Client(Settings):
    """One server to call: its address, the credentials, timeouts and limits."""

    base_url: Annotated[Url, Reaches(WEB)] = Field(alias="baseURL", examples=["https://api.example.com/v1"])
    """Absolute address, e.g. `https://api.example.com/v1`; a block's `path` is appended. A user and password in it are
    sent as `auth` of type `basic`, and shown nowhere."""
    timeout: Annotated[Duration, OrZero] = timedelta(seconds=30)
    """How long one attempt may take, from looking up the name to the last byte of the answer; then the connection is
    closed. The flow's own deadline bounds all attempts and waits together. 0 means the default."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Headers of every request; a block's own headers win. `Host` is what the server is told to be, for requests to the
    server of `baseURL` alone: the connection, the certificate and its name are those of the address."""
    correlation_id_header: Annotated[OptionalHeader, Advanced] = "X-Correlation-Id"
    """Header in which the message's correlation id is sent, so that the logs of both systems can be put together. A
    header of that name in `headers` wins; empty sends none."""
    max_response_bytes: Annotated[int, Advanced] = Field(default=1_048_576, ge=0)
    """An answer may have at most this many bytes, after decompression. A larger one is an error; it is never cut.
    Default: 1 MiB."""
    auth: Auth = Auth()
    """Credentials to send. They never go to another host, not even after a redirect."""
    follow_redirects: FollowRedirects = "always"
    """What to do with an answer of 301, 302, 303, 307 or 308 that names another address. `always`: go there, at most 10
    times; to another server without body, credentials and all headers but Accept, Range and the like. `same-origin`: go
    there if it is the same scheme, host and port (or the same host with TLS), else fail. `never`: the answer is the
    result. From `https` to `http` is always an error."""
    private_addresses: Private = "base"
    """Whether to connect to addresses that are not public: of this machine (127.0.0.1, ::1), of a private network
    (10.0.0.1, 192.168.0.1, 100.64.0.1, fd00::1), link-local ones (169.254.169.254) and the like. `base`: only to the
    servers of `baseURL`, `auth.tokenURL` and the proxy, so that no redirect leads into a private network. `deny`: to
    none; `allow`: to all. What counts is the address that is connected to, whatever its name."""
    cache: Cache = Cache()
    """A cache of answers to GET; off by default. Requests share an answer if all that their author writes is equal:
    address, headers, credentials and body. A successful POST, PUT, PATCH or DELETE ends the answers to its address."""
    retry: Retry = Retry()
    """How to repeat requests: after a broken connection, 429, 502, 503 or 504, those of `retry.methods` and those with
    an `Idempotency-Key`; others only if the connection was never made, so that nothing is done twice."""
    pool: Annotated[Pool, Advanced] = Pool()
    """Connections to keep open between requests."""
    proxy: Annotated[Proxy, Advanced] = Proxy()
    """The proxy to use. By default the one that the environment names."""
    tls: Annotated[ClientTls, Advanced] = ClientTls()
    """Checks of the server's certificate. By default the machine's authorities are trusted."""

    @model_validator(mode="before")
    @classmethod
    def _credentials_of_the_address(cls, data: object) -> object:
        if not isinstance(data, dict) or not isinstance(address := data.get("baseURL"), str):
            return data
        found = _without_credentials(address)
        auth = data.get("auth") or {}
        if found is None or isinstance(auth, Auth) or not isinstance(auth, dict) or auth.get("type"):
            return data  # if there are both, `_url` complains
        bare, user, password = found
        basic = _OfAddress(type="basic", username=user, password=Secret(password))
        return {**data, "baseURL": bare, "auth": basic}

    @field_validator("headers")
    @classmethod
    def _host_is_one(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if name.lower() == "host" and not is_host(value):
                raise complain("`Host` is a name or an address, with a port or without")
        return headers

    @model_validator(mode="after")
    def _hide_keys(self) -> Self:
        """Keep keys out of logs and traces that are no `auth`: a server may repeat them in its answer."""
        for name, value in (*self.headers.items(), *parse_qsl(urlsplit(self.base_url).query)):
            if _NAMES_A_SECRET.search(name):
                Secret(value)
                Secret(value.rpartition(" ")[2])  # behind the scheme, as in `Bearer ...`
        return self

    def advice(self) -> Iterator[tuple[str, str, str]]:
        if isinstance(self.auth, _OfAddress):
            message = "the address has a user and a password, which end up where addresses are copied to"
            yield "baseURL", message, "write them under `auth`: {type: basic, username: ..., password: ...}"

    @property
    def patience(self) -> float:
        """Seconds that one attempt may take."""
        return self.timeout.total_seconds() or DEFAULT_TIMEOUT
