"""A few small components, so that these tests test the configuration and nothing else."""

from __future__ import annotations

import textwrap
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Literal

import pytest
from pydantic import Field, field_validator

from octo.config.load import parse
from octo.core.block import block
from octo.core.connector import connector
from octo.core.durations import Duration
from octo.core.errors import ConfigError
from octo.core.expressions import Expr, Names
from octo.core.plugins import Plugins
from octo.core.settings import Secret, Settings
from octo.core.sockets import Always, FlowRef, Handler, Steps
from octo.core.source import source


class Tls(Settings):
    cert: str
    """File of the certificate."""
    key: str = ""
    """File of the key."""


class Server(Settings):
    port: int = Field(8080, ge=0, le=65535)
    """Where it listens."""
    token: Secret | None = None
    """Who may call."""
    tls: Tls | None = None
    """Serve https."""
    headers: dict[str, str] = {}
    """Sent with every response."""

    def advice(self):
        if "Server" in self.headers:
            yield "headers", "it tells attackers what runs here", "leave `Server` out"


class Route(Settings):
    path: str
    """Path of the route, e.g. `/a`. A second sentence."""
    timeout: Duration = timedelta(seconds=30)
    """How long it may take."""
    methods: list[Literal["GET", "POST"]] = []
    """Which methods it serves."""


@connector("http")
class Http:
    """Serve HTTP."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Server):
        yield cls()

    @source("http")
    @asynccontextmanager
    async def route(self, settings: Route, inlet):
        """Requests become messages."""
        yield

    @staticmethod
    def conflicts(sources):
        first: dict[str, int] = {}
        return [
            (first[each.path], index, f"both serve `{each.path}`")
            for index, each in enumerate(sources)
            if first.setdefault(each.path, index) != index
        ]


class Nothing(Settings):
    pass


class Tick(Settings):
    schedule: str
    """When to fire."""
    payload: Annotated[Expr[object], Names("now")] | None = None
    """The body of the message."""

    @field_validator("schedule")
    @classmethod
    def _has_six_fields(cls, text: str) -> str:
        if len(text.split()) != 6:
            raise ValueError(f"the schedule {text!r} needs six fields")
        return text


@connector("cron")
class Cron:
    """Fire at times."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing):
        yield cls()

    @source("cron")
    async def ticks(self, settings: Tick):
        """Each tick is a message."""
        yield


class Connection(Settings):
    dsn: Secret
    """Where the database is."""
    pool: int = 4
    """How many connections."""

    @field_validator("dsn")
    @classmethod
    def _has_scheme(cls, dsn: Secret) -> Secret:
        if "://" not in dsn.get_secret_value():
            raise ValueError(f"no scheme in {dsn.get_secret_value()!r}")
        return dsn


class Query(Settings):
    query: str
    """The SQL text."""
    args: list[Expr[object]] = []
    """Values of its placeholders."""


@connector("database")
class Database:
    """Query a database."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Connection):
        yield cls()

    @block("sql")
    def sql(self, settings: Query, message):
        """Run a query."""
        return message


class Log(Settings):
    message: Expr[str] | None = None
    """What to log."""
    level: Literal["debug", "info", "warn", "error"] = "info"
    """How much it matters."""


@connector("logger")
class Logger:
    """Write a log."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing):
        yield cls()

    @block("log", key="logger", default=True)
    def log(self, settings: Log, message):
        """Log a line."""
        return message


class SetPayload(Settings):
    value: Expr[object]
    """The new body."""


@block("set-payload")
def set_payload(settings: SetPayload, message):
    """Replace the body."""
    return message


class SetVariable(Settings):
    name: str
    """Name of the variable."""
    value: Expr[object]
    """Its value."""


@block("set-variable")
def set_variable(settings: SetVariable, message):
    """Set a variable."""
    return message


class Filter(Settings):
    expr: Expr[bool]
    """What may pass."""


@block("filter")
def filter_message(settings: Filter, message):
    """Drop messages."""
    return message


class If(Settings):
    condition: Expr[bool]
    """Decides."""
    then: Steps
    """Runs when true."""
    else_: Steps | None = Field(None, alias="else")
    """Runs when false."""


@block("if")
def if_(settings: If, message):
    """Choose a chain."""
    return message


class Case(Settings):
    when: Expr[bool]
    """When the case applies."""
    name: str = ""
    """Names the branch."""
    process: Steps
    """What it does."""


class Switch(Settings):
    cases: Annotated[list[Case], Field(min_length=1)]
    """Tried in order."""
    default: Steps | None = None
    """Runs when none applies."""


@block("switch")
def switch(settings: Switch, message):
    """Choose one of many chains."""
    return message


class Fork(Settings):
    branches: list[Annotated[Steps, Always()]]
    """Run at once."""


@block("fork")
def fork(settings: Fork, message):
    """Run chains at once."""
    return message


class Guard(Settings):
    process: Annotated[Steps, Always()]
    """What may fail."""
    error: Annotated[Steps, Handler()]
    """What then happens."""


@block("handle-errors")
def handle_errors(settings: Guard, message):
    """Recover."""
    return message


class Call(Settings):
    flow: FlowRef
    """Which flow."""
    one_way: bool = False
    """Do not wait."""


@block("flow-ref")
def flow_ref(settings: Call, message):
    """Call a flow."""
    return message


class Bearer(Settings):
    kind: Literal["bearer"]
    """Which kind."""
    token: Secret
    """The token."""


class Basic(Settings):
    kind: Literal["basic"]
    """Which kind."""
    user: str
    """The name."""
    retries: int = 0
    """How often."""


class Send(Settings):
    auth: Bearer | Basic | None = None
    """Who is calling."""
    limit: int | Literal["none"] = "none"
    """How much."""
    headers: dict[str, Expr[str]] = {}
    """Headers, by name."""


@block("send")
def send(settings: Send, message):
    """Send it."""
    return message


CONNECTORS = {"http": "Http", "cron": "Cron", "database": "Database", "logger": "Logger"}
BLOCKS = {
    "filter": "filter_message",
    "flow-ref": "flow_ref",
    "fork": "fork",
    "handle-errors": "handle_errors",
    "if": "if_",
    "log": "Logger",
    "send": "send",
    "set-payload": "set_payload",
    "set-variable": "set_variable",
    "sql": "Database",
    "switch": "switch",
}


@pytest.fixture(scope="session")
def plugins():
    return Plugins(
        {name: f"{__name__}:{attribute}" for name, attribute in CONNECTORS.items()},
        {name: f"{__name__}:{attribute}" for name, attribute in BLOCKS.items()},
    )


@pytest.fixture
def config(plugins):
    """Parse a configuration that has no problems."""

    def parsed(text: str, **environ: str):
        return parse(textwrap.dedent(text), plugins, environ)

    return parsed


@pytest.fixture
def problems(plugins):
    """The problems of a configuration: `line:column code message | hint`."""

    def found(text: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            parse(textwrap.dedent(text), plugins, environ)
        return [shown(problem) for problem in caught.value.problems]

    return found


def shown(problem) -> str:
    at = f"{problem.at.line}:{problem.at.column}"
    return f"{at} {problem.code} {problem.message}{' | ' if problem.hint else ''}{problem.hint}"


@pytest.fixture
def chain(config):
    """The blocks of a chain that is given as YAML."""

    def parsed(text: str, **environ: str):
        indented = textwrap.indent(textwrap.dedent(text), "    ")
        return (
            config(f"env: [{{name: A}}, {{name: B}}]\nflows:\n- name: f\n  process:\n{indented}", **environ)
            .flows["f"]
            .process
        )

    return parsed
