"""The models of a test file: it is read with them and checked against them, and they are its documentation.

`null` is a value here: `body: null` asserts null, an absent `body` asserts nothing (`Wanted.has_body`).
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from octo.core import content, written
from octo.core.charsets import Text
from octo.core.durations import Duration
from octo.core.settings import Settings


class Input(Settings):
    data: Any = None
    """Body of the message. Absent means null. Bytes are `!!binary` with base64."""

    content_type: str | None = None
    """Makes the body raw content of this type, as a source with `rawBody` does; `data` is then a text or bytes."""

    vars: dict[str, Any] = Field(default_factory=dict)
    """Variables of the message: what a source would have set."""

    @model_validator(mode="after")
    def _raw_is_text_or_bytes(self) -> Input:
        try:
            self.meant()
        except ValueError as error:
            raise PydanticCustomError("raw", "{text}", {"text": str(error)}) from None
        return self

    def meant(self) -> object:
        """The body that is meant: of bytes whose type is text, the text."""
        return written.body(self.data, self.content_type)


def given(body: object, *, raw: bool, name: str = "data") -> dict[str, Any]:
    """How a body is written in a test: raw content with its type beside it."""
    if not raw or not isinstance(body, dict):
        return {name: body}
    data = content.data(body)
    # As the bytes that it came from, if these are not to be had from the text: read again they are both.
    data = data.sent if isinstance(data, Text) else data
    return {name: data, "contentType": str(dict.get(body, "contentType") or content.BINARY)}


class Wanted(Settings):
    """What a message must be."""

    body: Any = None
    """The whole body, compared exactly; `42` equals `42.0`. `null` asserts null, absent asserts nothing. Bytes are
    written `!!binary BASE64` or as the text of the base64, times as their text."""

    raw: bool | None = None
    """Whether the body must be raw content."""

    vars: dict[str, Any] = Field(default_factory=dict)
    """Variables that must be there with these values. Others may be there too."""

    that: tuple[str, ...] = ()
    """CEL conditions over the message that must all be true, e.g. `body.items.size() == 2`."""

    @property
    def has_body(self) -> bool:
        return "body" in self.model_fields_set


class Expect(Wanted):
    dropped: bool = False
    """The flow must drop the message."""

    error: str | None = None
    """The flow must fail with a text that contains this; `""` for any failure."""

    reply: Any = None
    """What the sender of a `trigger` must have got back. Of a mapping, only the keys given here are compared; of its
    `headers`, only those given, in any letter case."""

    @property
    def has_reply(self) -> bool:
        return "reply" in self.model_fields_set

    @property
    def of_the_flow(self) -> bool:
        """Whether it says how the flow must end, or only what the outside sees."""
        return bool(
            self.has_body or self.raw is not None or self.vars or self.that or self.dropped or self.error is not None
        )


class Record(Settings):
    input: Wanted | None = None
    """The message as it reached the block."""

    output: Wanted | None = None
    """The message as it left the block."""

    dropped: bool = False
    """The block dropped the message."""

    error: str | None = None
    """The block failed with a text that contains this."""


class Spy(Settings):
    count: int | None = Field(None, ge=0)
    """How often messages crossed the block; `0` asserts that it never ran."""

    records: tuple[Record, ...] = ()
    """What crossed, one entry per crossing in their order. There may be fewer entries than crossings."""


class CallEntry(Settings):
    flow: str | None = None
    """Name of the flow to call. Default: the file's."""

    input: str | Input | None = None
    """The message: the name of one of the file's `inputs`, or `{data, vars}`. Absent means an empty message."""

    trigger: dict[str, Any] | None = None
    """Instead of `input`: what the flow's source receives from outside. Its keys depend on the connector."""

    after: Duration | None = None
    """Time that passes before the call. A call with nothing else only lets time pass."""

    expect: Expect | None = None
    """What must come out. Absent: the flow must complete."""

    spies: dict[str, Spy] = Field(default_factory=dict)
    """What must have crossed the blocks during this call, by block address."""


class CaseEntry(Settings):
    name: str = Field(min_length=1)
    """What the case shows; unique in the file."""

    skip: str | None = None
    """Why the case is not run. It is reported as skipped, with this reason."""

    input: str | Input | None = None
    """The message: the name of one of the file's `inputs`, or `{data, vars}`. Absent means an empty message."""

    trigger: dict[str, Any] | None = None
    """Instead of `input`: what the flow's source receives from outside. Its keys depend on the connector."""

    expect: Expect | None = None
    """What must come out. Absent: the flow must complete."""

    spies: dict[str, Spy] = Field(default_factory=dict)
    """What must have crossed the blocks, by block address."""

    calls: tuple[CallEntry, ...] = ()
    """Instead of `input`, `trigger` and `expect`: several calls in order, in one running configuration. The `spies` of
    the case cover all of them."""

    mocks: dict[str, Any] = Field(default_factory=dict)
    """Mocks of this case, by block address. Each replaces the file's mock of that address; `null` removes it."""

    stubs: dict[str, Any] = Field(default_factory=dict)
    """Stubs of this case, by connector name. Each replaces the file's stub of that name; `null` removes it."""

    sources: bool = False
    """Whether the sources of the file's flow, of the called flows and of those that spies name run, as under `octo
    run`. With `clock: virtual`, a timer source fires while `after` lets time pass."""

    env: dict[str, str | bool | int | float] = Field(default_factory=dict)
    """Environment variables of this case. They win over the file's."""

    timeout: Duration | None = None
    """How long the case may take, not counting `after`. Default: the file's."""

    clock: str | None = None
    """`real`, `virtual`, or the moment at which virtual time begins. Default: the file's."""


class SuiteFile(Settings):
    flow: str
    """Name of the flow that the file tests."""

    timeout: Duration | None = None
    """How long each case may take. Default 30s."""

    clock: str = "real"
    """`real`; `virtual` for a clock that jumps to the next timer as soon as nothing else can happen, so that hours
    pass at once; or the moment at which that clock begins, e.g. `2026-03-29T00:30:00Z`."""

    env: dict[str, str | bool | int | float] = Field(default_factory=dict)
    """Environment variables of every case. They win over the process's and over `.env` files."""

    inputs: dict[str, Input] = Field(default_factory=dict)
    """Messages that cases refer to by name."""

    mocks: dict[str, Any] = Field(default_factory=dict)
    """What replaces blocks in every case, by block address."""

    stubs: dict[str, Any] = Field(default_factory=dict)
    """What replaces connectors in every case, by connector name."""

    cases: tuple[CaseEntry, ...]
    """The cases, at least one."""
