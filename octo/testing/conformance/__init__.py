"""`check_connector` checks that a connector keeps the promises that every connector makes.

    async def test_the_ledger_is_a_good_connector() -> None:
        await check_connector(
            Ledger,
            {"url": "ledger://127.0.0.1", "password": "correct horse"},
            sources={"entries": {}},
            blocks={"ledger-book": {"amount": "body.amount"}},
            message={"amount": 12},
            feed={"entries": write_an_entry},
        )

It reports all problems at once, in one `Nonconforming`; each says what to do about it.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Mapping
from types import MappingProxyType

from octo.core.connector import ConnectorType
from octo.services.container import Services, entered
from octo.testing.conformance import calling, declaration, life, reading, secrecy, standin
from octo.testing.conformance.subject import Feed, Given, Refused, Subject
from octo.testing.conformance.watch import Findings

__all__ = ["Feed", "Nonconforming", "check_connector"]

_NOTHING: Mapping[str, object] = MappingProxyType({})
_NONE: Mapping[str, Mapping[str, object]] = MappingProxyType({})
_NO_FEED: Mapping[str, Feed] = MappingProxyType({})


class Nonconforming(AssertionError):
    """A connector breaks promises. problems: each broken promise, with what to do about it."""

    def __init__(self, name: str, problems: list[str]) -> None:
        self.problems = problems
        lines = "".join(f"\n- {each}" for each in problems)
        super().__init__(f"{name} breaks {len(problems)} of the promises that a connector makes:{lines}")


async def check_connector(  # noqa: PLR0913  authors write each of them by name
    connector: type,
    settings: Mapping[str, object] = _NOTHING,
    *,
    sources: Mapping[str, Mapping[str, object]] = _NONE,
    blocks: Mapping[str, Mapping[str, object]] = _NONE,
    message: object = None,
    feed: Mapping[str, Feed] = _NO_FEED,
    stub: Mapping[str, object] = _NOTHING,
    triggers: Mapping[str, Mapping[str, object]] = _NONE,
    without: Collection[str] = (),
    patience: float = 5.0,
    quiet: float = 0.5,
) -> None:
    """Open, feed, call, cancel, stub and close a connector; raise `Nonconforming` with all that is wrong.

    settings: what an author writes under `settings:` of the connector. sources, blocks: the same for each of its
        sources and blocks, by name; those without required settings may be left out.
    message: the body of the message that blocks are called with.
    feed: by source, an async function that takes the open connector and puts one message where the source finds it.
        Without it, the deliveries of the source are not checked.
    stub: what a test writes under `stubs:`. triggers: by source, what a test writes under `trigger:`.
    without: what the connector lacks on purpose: "stub", "trigger", or the name of a source that no `feed` can feed.
    patience: seconds that any step may take. quiet: seconds to wait for a message that must not come.
    """
    type_ = getattr(connector, "__octo_connector__", None)
    if not isinstance(type_, ConnectorType):
        raise Nonconforming(connector.__name__, ['it is not a connector: mark the class with @connector("its-name")'])
    given = Given(settings, sources, blocks, message, feed, stub, triggers, without, patience, quiet)
    gc.freeze()  # so that the many collections below need not search what exists already
    try:
        async with entered(None) as services:
            problems = await _problems(type_, given, services)
    finally:
        gc.unfreeze()
    if problems:
        raise Nonconforming(f"`{type_.name}`", problems)


async def _problems(type_: ConnectorType, given: Given, services: Services) -> list[str]:
    found = Findings()
    declaration.check(type_, given, found)
    try:
        subject = await Subject.of(type_, given, services)
    except Refused as error:
        return [*found.problems, *error.problems]
    if await life.check(subject, found):
        await reading.check(subject, found)
        await calling.check(subject, found)
    await standin.check(subject, found)
    secrecy.check(subject, found)
    return found.problems
