"""The settings of an `http` connector."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from octo.connectors.http.fields import (
    CONTROL,
    CookieName,
    HeaderName,
    HeaderValue,
    Method,
    PagePath,
    SettableHeader,
    complain,
)
from octo.core.durations import Duration, OrZero, parse_duration
from octo.core.settings import Advanced, Listens, Secret, Settings


class Cors(Settings):
    """Which pages of other origins may use the routes from a browser."""

    allowed_origins: list[str]
    """Origins as browsers send them, e.g. `https://shop.example`, or the single entry `*` for all of them."""
    allowed_methods: list[Method] = Field(
        default=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"], min_length=1
    )
    """Methods that a page may use. A method that the route does not serve is still refused with 405."""
    allowed_headers: list[HeaderName] = Field(default_factory=list)
    """Request headers that a page may send. Empty allows all that the browser asks for."""
    exposed_headers: list[HeaderName] = Field(default_factory=list)
    """Response headers that a page may read, besides the few that it always may."""
    allow_credentials: bool = False
    """Whether a page may send cookies and authorization. List the origins then: with `*` every site may act as the
    logged-in user, because the response names the caller's own origin, as browsers refuse a star with credentials."""
    max_age: Annotated[int | None, Advanced] = Field(default=None, ge=0)
    """Seconds for which a browser may cache the response to a preflight, or a duration such as `10m`; browsers' own
    default is 5."""

    @field_validator("max_age", mode="before")
    @classmethod
    def _seconds(cls, age: object) -> object:
        span = parse_duration(age) if isinstance(age, str) and not age.strip().isdecimal() else age
        return int(span.total_seconds()) if isinstance(span, timedelta) else span

    @field_validator("allowed_origins")
    @classmethod
    def _one_star(cls, origins: list[str]) -> list[str]:
        if "*" in origins and len(origins) > 1:
            raise complain("`*` allows every origin; write it alone or not at all")
        return origins


class Tls(Settings):
    """Certificate and key of an https listener."""

    cert: Path
    """PEM file with the certificate, followed by its chain without the root."""
    key: Path
    """PEM file with the certificate's private key, unencrypted."""


_AUTH = {
    "none": (),
    "basic": ("username", "password", "users", "realm"),
    "apiKey": ("header", "query", "cookie", "keys", "realm"),
}
_PLACES = ("header", "query", "cookie")


class Auth(Settings):
    """Who may send requests. One without valid credentials gets 401; its body is not read, and no flow runs."""

    type: Literal["none", "basic", "apiKey"]
    """`basic`: user names and passwords (HTTP Basic). `apiKey`: a key in a header, in the query or in a cookie. `none`:
    everybody, e.g. for one source of a connector that asks for credentials."""
    username: str | None = Field(default=None, min_length=1)
    """`basic`: the name of the only user, with `password`."""
    password: Secret | None = None
    """`basic`: the password of `username`, e.g. `${PASSWORD}`."""
    users: dict[str, Secret] = Field(default_factory=dict)
    """`basic`: several users, each name with its password."""
    header: HeaderName | None = None
    """`apiKey`: the header with the key. Default, if neither `query` nor `cookie` is set: `X-API-Key`. In the header
    `Authorization` the key may follow the word `Bearer`."""
    query: str | None = Field(default=None, min_length=1)
    """`apiKey`: the query parameter with the key; it is left out of `vars.query` and `vars.queryAll`. Addresses end up
    in logs of proxies and browsers: prefer a header."""
    cookie: CookieName | None = None
    """`apiKey`: the cookie with the key."""
    keys: dict[str, Secret] | list[Secret] = Field(default_factory=list)
    """`apiKey`: the keys that are valid. With names (`billing: ${BILLING_KEY}`) the flow knows who calls, and a new key
    can be valid beside the old one until every caller has it."""
    realm: Annotated[str, Advanced] = Field(default="octo", pattern=r"^[ !#-\[\]-~]+$")
    """What the credentials are for: browsers show it to the user."""
    user_var: Annotated[str, Advanced] = Field(default="user", min_length=1)
    """Variable for the name of the user, or of the key; a key without a name is called `1`, `2` and so on."""

    @model_validator(mode="after")
    def _is_whole(self) -> Auth:
        for name in type(self).model_fields:
            if name in self.model_fields_set and name not in ("type", "user_var", *_AUTH[self.type]):
                raise complain(f"`{name}` does not belong to type {self.type!r}")
        if (self.username is None) is not (self.password is None):
            raise complain("`username` and `password` belong together")
        if sum(getattr(self, each) is not None for each in _PLACES) > 1:
            raise complain("a key has one place: write `header`, `query` or `cookie`")
        if self.type != "none" and not self.secrets:
            raise complain("`basic` needs `users`" if self.type == "basic" else "`apiKey` needs `keys`")
        for name, secret in self.secrets.items():
            if not secret:  # as an environment variable that is not set would leave it
                raise complain(f"the secret of {name!r} is empty")
            if self.type == "basic" and (":" in name or CONTROL.search(name)):
                raise complain(f"the user name {name!r} has a colon or a control character")
        if len({*self.secrets.values()}) < len(self.secrets) and self.type == "apiKey":
            raise complain("two keys are the same")
        return self

    @property
    def secrets(self) -> dict[str, str]:
        """Each user with its password, or each name with its key."""
        if isinstance(self.keys, list):
            given = {str(number): each for number, each in enumerate(self.keys, 1)}
        else:
            given = dict(self.keys)
        given |= self.users
        if self.username is not None and self.password is not None:
            given[self.username] = self.password
        return {name: each.get_secret_value() for name, each in given.items()}


class Server(Settings):
    """One listener: its address, its limits, and the settings of all its routes."""

    host: str = ""
    """Address to listen at. Empty: the environment variable HTTP_HOST, else `0.0.0.0`, all IPv4 interfaces."""
    port: Annotated[int | None, Listens("HTTP_PORT", 8080)] = Field(default=None, ge=0, le=65535)
    """TCP port; 0 takes a free one. Default: the environment variable HTTP_PORT, else 8080."""
    base_path: str = ""
    """Path that every route's path is appended to, e.g. `/api`."""
    keep_alive: Annotated[bool, Advanced] = True
    """Whether a connection may carry several requests. If not, each request needs a new connection."""
    request_timeout: Annotated[Duration, OrZero] = timedelta(seconds=30)
    """How long a request may take altogether: the arrival of its body, waiting for a free worker, and the flow. After
    that the flow is cancelled and the caller gets 504. A source's own `timeout` wins. 0 means the default."""
    read_timeout: Annotated[Duration, OrZero, Advanced] = timedelta()
    """How long a client may take to send the headers of a request, and again its body. 0, the default: 10 s for the
    headers, the request's timeout for the body."""
    write_timeout: Annotated[Duration, OrZero, Advanced] = timedelta()
    """How long sent bytes may wait for the client to take them before its connection is closed (Linux). 0, the
    default: 15 minutes."""
    idle_timeout: Annotated[Duration, OrZero, Advanced] = timedelta()
    """How long a kept connection may wait for its next request, until that request's headers are complete: the server
    has one timer for both. 0, the default: as `readTimeout`, else 10 s. Behind a load balancer set it above the
    balancer's idle timeout (often 60 s), or the balancer sometimes uses a connection that was just closed."""
    cors: Cors | None = None
    """Lets browsers call the routes from pages of other origins. Off by default."""
    auth: Auth | None = None
    """Who may send requests to the routes; a source's own `auth` wins. Default: everybody. Preflights of browsers pass
    without credentials, as they never have any."""
    tls: Tls | None = None
    """Serve https, with TLS 1.2 or 1.3."""
    max_header_bytes: Annotated[int, Advanced] = Field(default=65536, ge=8192)
    """A request's headers may have at most this many bytes together; more is refused with 431. Each connection may
    buffer that much: 64 KiB is ample for cookies and tokens, and little for a thousand hostile connections."""
    max_concurrent_requests: Annotated[int, Advanced] = Field(default=1024, ge=1)
    """At most this many requests may be under way at once. A further one is refused at once with 503 and
    `Retry-After: 1`: a quick refusal costs the caller less than a long wait. A quarter is in reserve: each route is
    sure of an equal part of it, so routes that hang leave room for the others. As many more may send their body; of
    these the slowest gives way to a new one, with 408."""
    response_headers: dict[SettableHeader, HeaderValue | list[HeaderValue]] = Field(default_factory=dict)
    """Headers of every response, e.g. `Strict-Transport-Security: max-age=31536000`. A list sends the header once for
    each item."""

    openapi: PagePath = ""
    """Path at which the OpenAPI document of all routes is served, e.g. `/openapi.json`. Empty, the default: it is not.
    Who may see it is decided by the connector's `auth`."""
    docs: PagePath = ""
    """Path of a page that shows it, e.g. `/docs`: without scripts, and without anything from elsewhere. Empty, the
    default: there is none."""
    api_version: Annotated[str, Advanced] = Field(default="1.0.0", min_length=1)
    """The version of the API, as the document says it."""

    @model_validator(mode="after")
    def _two_pages(self) -> Server:
        if self.openapi and self.openapi == self.docs:
            raise complain("`openapi` and `docs` are two pages: give each a path of its own")
        return self

    @field_validator("base_path")
    @classmethod
    def _slashes(cls, path: str) -> str:
        path = "/" + path.strip("/") if path.strip("/") else ""
        if re.search(r"[{}?#\s]", path):
            raise complain("a base path is plain text: no {parameters}, no query, no spaces")
        return path
