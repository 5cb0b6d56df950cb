"""Counts what flows do while tests run them."""

from __future__ import annotations

import inspect
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from octo.config.documents import Config, FlowDoc
from octo.core.flow import Outcome, Processor, Result
from octo.core.message import Message
from octo.engine.observe import Build, Observer
from octo.engine.step import Step
from octo.suite.coverage.outline import Key, Outline, outline
from octo.suite.coverage.result import File, Result as Covered

Home = tuple[str, str]
"""A flow: its file and its name."""
Count = Callable[[str], None]


class Coverage(Observer):
    """Counts blocks, branches, error paths and decisions of all flows that are built with it, in any thread.

    Declare every configuration with `add` before its flows are built. Make this the last of several observers: then
    a mocked block still counts as run, but nothing inside it does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Home, Counter[Key]] = {}
        self._outlines: dict[str, dict[str, Outline]] = {}
        self._sources: dict[str, str] = {}

    def add(self, config: Config) -> None:
        """Declare what there is to cover. It may be called again, also for the same flows in another environment."""
        readable = {str(path) for path in config.watched}
        with self._lock:
            for doc in config.flows.values():
                file = doc.at.file
                if file not in self._outlines:
                    self._outlines[file] = {}
                    self._sources[file] = _text(file) if file in readable else ""
                found = outline(doc, partial(self._seen, (file, doc.name)))
                self._outlines[file].setdefault(doc.name, found)

    def result(self) -> Covered:
        """Return what was covered so far."""
        with self._lock:
            return Covered(tuple(self._file(name) for name in self._outlines))

    def _file(self, name: str) -> File:
        flows = (each.counted(self._counts.get((name, each.name), {})) for each in self._outlines[name].values())
        return File(name, self._sources[name], tuple(flows))

    def _seen(self, home: Home, key: Key) -> None:
        with self._lock:
            self._counts.setdefault(home, Counter())[key] += 1

    # --- watching ------------------------------------------------------------------------------------------------

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """Count each flow with its own observer, because addresses are unique within one configuration only."""
        return build(_Flow(partial(self._seen, (doc.at.file, doc.name))))


class _Flow(Observer):
    """Counts what runs in one flow."""

    def __init__(self, seen: Callable[[Key], None]) -> None:
        self._seen = seen

    def branch(self, address: str, chain: Processor) -> Processor:
        count = self._counting(address)

        def counted(message: Message) -> Result:
            count("ran")
            return chain(message)

        return counted

    def step(self, step: Step) -> Step:
        return step._replace(call=_counted(step.call, self._counting(step.address)))

    def _counting(self, address: str) -> Count:
        return lambda outcome: self._seen((address, outcome))


def _counted(call: Callable[[Message], Result], count: Count) -> Callable[[Message], Result]:
    def counted(message: Message) -> Result:
        count("ran")
        try:
            result = call(message)
        except Exception:
            count("failed")
            raise
        if isinstance(result, Outcome) or not inspect.isawaitable(result):
            return result
        return _awaited(result, count)

    return counted


async def _awaited(waiting: Awaitable[Outcome], count: Count) -> Outcome:
    try:
        return await waiting
    except Exception:
        count("failed")
        raise


def _text(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""
