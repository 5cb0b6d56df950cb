"""Breakpoints and mocks of the flows that run: kept here, so that they outlive the process that has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from octo.cli.authoring.refusal import Refused
from octo.cli.editing.feed import Feed
from octo.cli.editing.running import Runner

Answer = dict[str, Any]


class Debugger:
    """What pages have set, and which messages wait. told: as pages see it."""

    def __init__(self, runner: Runner, feed: Feed) -> None:
        self._runner = runner
        self._feed = feed
        self._breakpoints: Sequence[Mapping[str, str]] = []
        self._mocks: Mapping[str, object] = {}
        self._has_pushed = False
        self.told: Answer = {"breakpoints": [], "mocks": {}, "wrong": {}, "held": []}

    async def set(self, breakpoints: Sequence[Mapping[str, str]], mocks: Mapping[str, object]) -> Answer:
        """Replace all of them, also in the flows that run. Return what is set, and what of it is wrong there."""
        self._breakpoints, self._mocks = breakpoints, mocks
        kept = [{"address": each["address"], "when": each.get("when", "")} for each in breakpoints]
        self._tell({**self.told, "breakpoints": kept, "mocks": dict(mocks), "wrong": {}})
        await self._push()
        return self.told

    async def order(self, id: str, given: Mapping[str, object]) -> Answer:  # noqa: A002  the usual word
        """Let a message go on. Raises `Refused`."""
        found: Answer = await self._runner.ask("POST", f"/debug/{id}", given)
        return found

    async def push_always(self) -> None:
        """Set them anew whenever another version of the flows runs, until cancelled."""
        while True:
            await self._runner.turned.wait()
            self._runner.turned.clear()
            await self._push()

    async def follow(self) -> None:
        """Tell pages which messages wait, until cancelled."""
        async for state in self._runner.changes("/debug/changes"):
            self._tell({**self.told, "held": _held(state)})

    async def _push(self) -> None:
        if not self._runner.is_running:
            self._tell({**self.told, "held": []})
            return
        if self._breakpoints or self._mocks or self._has_pushed:
            with suppress(Refused):  # it is not ready yet: it will be told then
                self._has_pushed = True
                asked = {"breakpoints": list(self._breakpoints), "mocks": dict(self._mocks)}
                found = await self._runner.ask("PUT", "/debug", asked)
                self._tell({**self.told, "wrong": found["wrong"], "held": _held(found)})

    def _tell(self, told: Answer) -> None:
        if told != self.told:
            self.told = told
            self._feed.tell("debug", told)


def _held(state: Answer) -> list[Answer]:
    """The messages that wait, with their times in milliseconds, as everywhere on pages."""
    return [{**each, "at": each["at"] // 1000 / 1000} for each in state["held"]]
