"""The settings of an `mcp-client` connector and of its blocks."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.ai.tools import fits
from octo.core.durations import Duration, OrZero
from octo.core.expressions import Expr
from octo.core.secrets import mask
from octo.core.settings import WEB, Advanced, Effect, Reaches, Secret, Settings
from octo.core.sockets import Steps
from octo.core.state import State
from octo.core.tls import ClientTls

_NAMES_A_SECRET = re.compile(r"key|token|secret|password|auth|credential|cookie", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_HEADER = re.compile(r"[!#$%&'*+.^`|~\w-]+", re.ASCII)
_OF_HTTP = ("headers", "token", "oauth", "tls", "proxy")
_OF_A_COMMAND = ("args", "env", "inherit", "cwd")

Revision = Literal["auto", "2026-07-28", "2025-11-25"]


def _wrong(text: str) -> PydanticCustomError:
    return PydanticCustomError("mcp", "{text}", {"text": text})


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong("write an address such as `https://tools.example.com/mcp`")
    if parts.username or parts.password:
        raise _wrong("credentials do not belong into the address: write `token` or `oauth`")
    return text


class Tools(Settings):
    """Which of the server's tools can be used at all. Patterns: `*` stands for any text, `?` for one character."""

    allow: list[str] = Field(default_factory=lambda: ["*"])
    """The tools that can be used, e.g. `[search, read_*]`. Name them, so that a tool that the server adds tomorrow is
    not used unseen."""
    deny: list[str] = Field(default_factory=list)
    """Tools that cannot be used, although `allow` has them."""

    def has(self, name: str) -> bool:
        return fits(name, self.allow) and not fits(name, self.deny)


class OAuth(Settings):
    """How to get access tokens from the authorization server that the MCP server names."""

    grant: Literal["client-credentials", "authorization-code"] = "client-credentials"
    """`client-credentials`: as the client itself, with `clientSecret` or `key`. `authorization-code`: for a server that
    grants access to this client without asking a person, such as a gateway in a private network: the connector goes to
    its authorization endpoint itself."""
    issuer: Annotated[str, Reaches(WEB)] = ""
    """The issuer of the authorization server, exactly as its metadata has it. Credentials are sent to this one alone,
    whatever the MCP server says. Required for `client-credentials`."""
    client_id: str = Field(default="", alias="clientID")
    """The id that the authorization server knows the client by."""
    client_secret: Secret | None = None
    """The secret of the client."""
    key: Secret | None = None
    """Instead of a secret: the private key (PEM) with which the client signs who it is (`private_key_jwt`)."""
    key_algorithm: Annotated[str, Advanced] = Field(default="RS256", pattern=r"^(RS|ES|PS)(256|384|512)$")
    """The algorithm of the signature."""
    scopes: list[str] = Field(default_factory=list)
    """The scopes to ask for. Empty: those that the server names."""
    token_method: Annotated[Literal["basic", "post"], Advanced] = "basic"  # noqa: S105  no password
    """How the secret is sent: by HTTP Basic, or in the body."""
    client_metadata_url: Annotated[str, Advanced] = Field(default="", alias="clientMetadataURL")
    """For `authorization-code`: the `https` address of the client's metadata document, which then is its id. Without
    it and a `clientID` the client registers itself."""
    redirect_uri: Annotated[str, Advanced] = Field(default="http://127.0.0.1/callback", alias="redirectURI")
    """For `authorization-code`: the registered address of the client. Nothing listens there."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.grant == "client-credentials":
            if not self.client_id or (self.client_secret is None) is (self.key is None):
                raise _wrong("`client-credentials` needs `clientID`, and either `clientSecret` or `key`")
            if not self.issuer:
                raise _wrong("`client-credentials` needs `issuer`, so that the secret goes to that server alone")
        elif self.key is not None:
            raise _wrong("`key` belongs to `client-credentials`")
        if self.issuer:
            _address(self.issuer)
        return self


class Server(Settings):
    """One MCP server: at a `url`, or a program on this machine that is started with `command`."""

    url: Annotated[str | None, Reaches(WEB)] = Field(default=None, examples=["https://tools.example.com/mcp"])
    """The address of its endpoint (streamable HTTP)."""
    command: str | None = Field(default=None, min_length=1, examples=["uvx"])
    """Instead of `url`: a program that speaks MCP over stdin and stdout. It is started with the connector, as the user
    that Octo runs as, and ended with it. What it writes to stderr is logged."""
    args: list[str] = Field(default_factory=list)
    """The arguments of the program."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the program. It gets no others but HOME, LANG, LOGNAME, PATH, SHELL, TERM, TMPDIR and
    USER, and those of `inherit`: Octo's own secrets stay with Octo."""
    inherit: Annotated[list[str], Advanced] = Field(default_factory=list)
    """Names of variables of Octo's environment that the program gets too."""
    cwd: Annotated[Path | None, Advanced] = None
    """The folder in which the program starts. Default: that of Octo."""
    token: Secret | None = None
    """A token, sent as `Authorization: Bearer ...`."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Headers of every request, e.g. `X-API-Key: ${KEY}`."""
    oauth: OAuth | None = None
    """How to get tokens, instead of a fixed `token`."""
    tls: Annotated[ClientTls | None, Advanced] = None
    """Certificates. By default the machine's authorities are trusted."""
    proxy: Annotated[str | None, Advanced, Reaches(WEB)] = None
    """The address of an HTTP proxy. Default: the one that the environment names (HTTPS_PROXY, NO_PROXY)."""
    timeout: Duration = timedelta(seconds=60)
    """How long a call may take. Then it is cancelled, and the server is told. The flow's own deadline counts as
    well."""
    tools: Tools = Tools()
    """Which tools can be used: `{allow: [search, read_*], deny: [read_mail]}`. Default: all."""
    approval: list[str] = Field(default_factory=list)
    """Patterns of tools that an agent may call only after a person has agreed, e.g. `[delete_*]` or `["*"]`. Blocks of
    a flow do not ask."""
    max_result_bytes: Annotated[int, Advanced] = Field(default=1_048_576, ge=1_024)
    """A result may have at most this many bytes. Default: 1 MiB."""
    revision: Annotated[Revision, Advanced] = "auto"
    """The revision of the protocol. `auto` asks the server: the newest that both know, 2026-07-28 or an older one.
    2025-11-25 does not ask, for a server that is confused by the question; 2026-07-28 takes no older one."""

    @field_validator("url", "proxy")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        return url if url is None else _address(url)

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
                raise _wrong(f"{name!r} is no header, or its value has line breaks or characters that are not ASCII")
        return headers

    @model_validator(mode="after")
    def _is_one_server(self) -> Self:
        if (self.url is None) is (self.command is None):
            raise _wrong("write either `url` or `command`")
        own, kind = (_OF_HTTP, "command") if self.url is None else (_OF_A_COMMAND, "url")
        if foreign := [name for name in own if name in self.model_fields_set]:
            raise _wrong(f"`{foreign[0]}` does not belong to a server with `{kind}`")
        for name in (*self.env, *self.inherit):
            if not _VARIABLE.fullmatch(name):
                raise _wrong(f"{name!r} is no name of an environment variable")
        credentials = [name for name in ("token", "oauth") if getattr(self, name) is not None]
        if any(name.lower() == "authorization" for name in self.headers):
            credentials.append("headers.Authorization")
        if len(credentials) > 1:
            raise _wrong(f"set one of {' and '.join(f'`{each}`' for each in credentials)}")
        for name, value in (*self.headers.items(), *self.env.items()):
            if _NAMES_A_SECRET.search(name):
                mask(value.rpartition(" ")[2])  # behind the scheme, as in `Bearer ...`
        return self

    @property
    def patience(self) -> float:
        """Seconds that a call may take."""
        return self.timeout.total_seconds()

    @property
    def place(self) -> str:
        """How errors call the server."""
        if self.url is None:
            return f"MCP server {self.command!r}"
        parts = urlsplit(self.url)
        return f"MCP server at {parts.scheme}://{parts.netloc}{parts.path}"


class Call(Settings):
    """One call of a tool."""

    tool: str = Field(min_length=1, examples=["find_customer"])
    """The name of the tool."""
    arguments: Expr[object] | None = None
    """The arguments as a map, e.g. `{"city": body.city}`. They are checked against the tool's input schema before the
    server is called. Default: none."""
    as_: str = Field("", alias="as")
    """Name of a variable for the result. Default: it becomes the body."""
    fail_on_error: bool = True
    """Whether a result that the tool marks as an error fails the block. If not, it is an ordinary result, and the
    variable `isError` says which it is."""
    on_input: Steps | None = None
    """A chain that answers when the tool asks for input. Its body is a list of `questions`; the body that it leaves is
    a map of answers by the questions' `name`, each a map that fits the question's `schema`; null declines. Without it
    such a call fails with OCTO-X126."""
    answers: Annotated[Expr[object] | None, Advanced] = None
    """Answers to questions that an earlier call failed with, in the same form."""
    request_state: Annotated[Expr[str] | None, Advanced] = None
    """What that call gave as `vars.requestState`."""
    timeout: Annotated[Duration | None, OrZero, Advanced] = None
    """How long the call may take, instead of the connector's `timeout`."""

    @property
    def patience(self) -> float | None:
        """Seconds that the call may take; None for those of the connector."""
        return self.timeout.total_seconds() or None if self.timeout is not None else None

    @property
    def effect(self) -> Effect:
        return "once"

    def shape_after(self, before: State) -> State:
        for each in (self.arguments, self.answers, self.request_state):
            before.of(each)
        if self.on_input is not None:
            before.with_body().chain(self.on_input)
        after = before if self.fail_on_error else before.without_var("isError")
        return after.without_var(self.as_) if self.as_ else after.with_body()


class Read(Settings):
    """One resource to read."""

    uri: Expr[str]
    """The address of the resource, e.g. `"docs://guide/" + body.page`."""
    as_: str = Field("", alias="as")
    """Name of a variable for what was read. Default: it becomes the body."""

    @property
    def effect(self) -> Effect:
        return "safe"

    def shape_after(self, before: State) -> State:
        before.of(self.uri)
        return before.without_var(self.as_) if self.as_ else before.with_body()


class Prompt(Settings):
    """One prompt to fill in."""

    prompt: str = Field(min_length=1)
    """The name of the prompt."""
    arguments: dict[str, Expr[str]] = Field(default_factory=dict)
    """Its arguments, which are texts."""
    as_: str = Field("", alias="as")
    """Name of a variable for the messages. Default: they become the body."""

    @property
    def effect(self) -> Effect:
        return "safe"

    def shape_after(self, before: State) -> State:
        for each in self.arguments.values():
            before.of(each)
        return before.without_var(self.as_) if self.as_ else before.with_body()
