"""Settings: the typed model of what an author writes under a component.

One declaration serves parsing, linting, JSON Schema, the catalogue, the reference page and the tests:

    class Publish(Settings):
        routing_key: Expr[str]
        \"\"\"Routing key, e.g. `"orders." + body.country`.\"\"\"
        timeout: Duration = timedelta(seconds=30)
        \"\"\"How long the broker may take to confirm.\"\"\"

YAML keys are the camelCase of the Python names; unknown keys are refused. Besides plain types, a field may be an
expression (`octo.core.expressions`) or one of the sockets (`octo.core.sockets`). Both are filled while the flow is
built, so that at run time a block just calls `settings.routing_key(message)`, `settings.then(message)` or
`settings.flow.call(message)`.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticUseDefault

from octo.core.secrets import mask


class Secret(SecretStr):
    """A text that is never printed: read it with `.get_secret_value()` where it leaves the process.

    From the moment it is read, logs and traces show `«secret»` in its place. A `${NAME}` that is still here is a
    variable without a value: its name is not secret, and the operator has to read it.
    """

    def __init__(self, secret_value: str) -> None:
        super().__init__(secret_value)
        if not _UNSET.fullmatch(secret_value):
            mask(secret_value)


_UNSET = re.compile(r"(\$\{\w+\})+")


Effect = Literal["safe", "idempotent", "once"]
"""What a repeated call does to the called system: nothing at all, nothing more, or the same once more."""


class Group(NamedTuple):
    """Where a form shows a setting. A setting without this mark is `common`."""

    name: Literal["common", "advanced"]


Advanced: Final = Group("advanced")
"""Marks a setting that few authors need: `timeout: Annotated[Duration, Advanced] = ...`. Forms fold it away."""


def _word(value: object) -> object:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    if not word:
        raise PydanticUseDefault
    return word


AnyCase: Final = BeforeValidator(_word)
"""Marks a setting that is one of some words, whatever its capitals and the blanks around it; an empty one means the
default, as a variable without a value leaves it: `level: Annotated[Level, AnyCase] = "info"`."""


Ports = tuple[tuple[str, int], ...]
"""Schemes of addresses, each with the port of an address that names none."""

WEB: Final[Ports] = (("https", 443), ("http", 80))


class Reaches(NamedTuple):
    """Marks a setting with an address to which the component opens connections: `url: Annotated[str, Reaches(WEB)]`.

    The setting is a text, or a list of them; a text may have several addresses with commas between. Whoever deploys a
    flow learns from `octo check --facts` which connections to allow.

    bare: the scheme of an address that has none, as `host:9092`; "" if there is no such address.
    home: the address where nothing is written, unless the default of the setting says it.
    when: another setting beside it, and the values of it with which the address is used; None is one without a value.
    """

    ports: Ports
    bare: str = ""
    home: str = ""
    when: tuple[str, tuple[str | None, ...]] | None = None


class Listens(NamedTuple):
    """Marks a setting with the port that the component listens at: `port: Annotated[int | None, Listens(...)]`.

    variable: the environment variable with the port where nothing is written. default: the port without that.
    host: the setting beside it with the address to listen at, and what is listened at where nothing is written.
    """

    variable: str
    default: int
    host: tuple[str, str] = ("host", "0.0.0.0")  # noqa: S104  as the components say


class Short(NamedTuple):
    """Marks a model that may be written as the value of one of its fields alone. A validator must accept that form."""

    field: str


SettingPath = tuple[str | int, ...]
"""Where a value stands in settings: the keys of mappings and the indexes of lists, in YAML names."""


@runtime_checkable
class Worded(Protocol):
    """Settings of a block whose errors name some of its expressions otherwise than `type key`."""

    def wording(self, path: SettingPath) -> str | None:
        """How errors name the expression at `path`, e.g. `set-variable "t" value`.

        None: by the block's type and the path. "": not at all.
        """
        ...


@runtime_checkable
class Advising(Protocol):
    """Settings that work, but that their author could write better."""

    def advice(self) -> Iterable[tuple[str, str, str]]:
        """For each such setting its key, what is not so good about it, and what to write; `octo check` warns of it."""
        ...


@runtime_checkable
class Effectful(Protocol):
    """Settings of a block that calls another system, with what a repeated call does there.

    A block without it is taken for one whose call must happen once.
    """

    @property
    def effect(self) -> Effect: ...


class Settings(BaseModel):
    """Base of all settings. Frozen: a running component never sees its settings change."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=False,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,  # the input may be a secret
        defer_build=True,
        ser_json_timedelta="iso8601",
    )


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The string under each field of a model, by Python name.

    It is read from the source on demand. Pydantic could read it for every class at import, but then every start of
    `octo` would pay for what only the reference, the schema and the editor need.
    """
    docs: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls not in (BaseModel, Settings):
            docs |= _class_docs(cls)
    return docs


@cache  # several problems of one file ask for the same classes, and each source is searched from its beginning
def _class_docs(cls: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[statement.target.id] = inspect.cleandoc(following.value.value)
    return docs
