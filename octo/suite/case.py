"""A case, ready to run: everything that can be checked before the run has been checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from octo.core.errors import Position
from octo.core.settings import Settings
from octo.suite.format import Expect, Spy

if TYPE_CHECKING:
    from octo.debug.mocks import Mock


_BREAKS = re.compile("\\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]\\s*")

_FLOW = re.compile(r"[^.\[]+")
"""The flow of an address."""


class Call(NamedTuple):
    """One message for a flow, and what must come of it. raw: whether `data` is raw content.

    flow: None for a call that only lets time pass. after: seconds that pass before the call.
    trigger: replaces `data` and `vars`: the flow's source is triggered with these settings.
    """

    flow: str | None
    data: object = None
    vars: Mapping[str, Any] = {}
    trigger: Settings | None = None
    after: float = 0.0
    expect: Expect | None = None
    spies: Mapping[str, Spy] = {}
    raw: bool = False


class Case(NamedTuple):
    """A case of a suite.

    file, config: the test file and the configuration that it tests.
    env: variables that replace those of the process; written_env: those of them that are in the test file.
    spies: what must have crossed during all calls together. written_mocks: the mocks as the author wrote them.
    stubs: by connector name, the settings of its type's stub. sources: whether the called flows' sources run.
    seconds: how long it may take, not counting `after`. clock: when virtual time begins, None for real time.
    skip: why the case is not run, "" if it is.
    """

    name: str
    file: Path
    config: Path
    flow: str
    at: Position
    calls: tuple[Call, ...]
    spies: Mapping[str, Spy] = {}
    mocks: Mapping[str, Mock] = {}
    written_mocks: Mapping[str, object] = {}
    stubs: Mapping[str, Settings] = {}
    sources: bool = False
    env: Mapping[str, str] = {}
    written_env: Mapping[str, str] = {}
    seconds: float = 30.0
    clock: str | None = None
    skip: str = ""

    @property
    def title(self) -> str:
        """The name on one line."""
        return one_line(self.name)

    @property
    def id(self) -> str:
        """The text that `-k` is matched against."""
        return f"{self.file}::{self.title}"

    @property
    def spied(self) -> list[str]:
        """Every address that has a spy, sorted."""
        return sorted({*self.spies, *(address for call in self.calls for address in call.spies)})

    @property
    def called(self) -> set[str]:
        """The flows that are called or triggered, or whose sources run."""
        return {*(call.flow for call in self.calls if call.flow is not None), *self.fed}

    @property
    def fed(self) -> set[str]:
        """The flows whose sources run: with `sources`, those of spies too, because a queue may lead there."""
        if self.sources:
            spied = (_FLOW.match(address) for address in self.spied)
            called = (call.flow for call in self.calls if call.flow is not None)
            return {self.flow, *called, *(each[0] for each in spied if each)}
        return {call.flow for call in self.calls if call.flow is not None and call.trigger is not None}


def one_line(text: str) -> str:
    """The text without line breaks and other control characters, which a terminal would obey."""
    return _BREAKS.sub(" ", text).strip()


class Suite(NamedTuple):
    """The cases of one test file. blank: a case with only what the file sets for all of them."""

    file: Path
    config: Path
    flow: str
    cases: tuple[Case, ...]
    blank: Case
