"""Checks blocks: the engine calls each, cancels it half way, and calls it again."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy

from octo.core.errors import Bug, OctoError
from octo.core.flow import Failure
from octo.testing.conformance.subject import Subject, flow_of_block
from octo.testing.conformance.watch import TURNS, Findings, cancelled, watched
from octo.testing.harness import App


async def check(subject: Subject, found: Findings) -> None:
    """Report what the blocks of the opened connector get wrong."""
    for name in subject.type.blocks:
        where = f"the block `{name}`"
        async with watched(where, found), subject.app(blocks=[name]) as app:
            before = await call(subject, app, name, found)
        for turns in TURNS:
            async with watched(f"{where}, cancelled,", found), subject.app(blocks=[name]) as app:
                if wrong := await cancelled(_tried(subject, app, name), turns, subject.given.patience):
                    found.add(f"{where} {wrong}")
                if await call(subject, app, name, found) != before:
                    found.add(f"{where} no longer works after one of its calls was cancelled")


async def call(subject: Subject, app: App, name: str, found: Findings) -> str:
    """Call a block with the message; return "done", or the name of the error that it raised."""
    where, given = f"the block `{name}`", deepcopy(subject.given.message)
    try:
        await app.call(flow_of_block(name), given, timeout=subject.given.patience)
    except Failure as failure:
        text = found.raised(where, failure.cause)
        if isinstance(failure.cause, Bug):
            found.add(f"{where} does what no block may: {failure.cause}")
        elif not isinstance(failure.cause, OctoError):
            found.add(f"{where} raises {text}: raise octo.Permanent or octo.Transient with what to do")
        return type(failure.cause).__name__
    except OctoError as error:
        found.add(f"{where} does not end within `patience` ({found.raised(where, error)}): give its call a deadline")
        return type(error).__name__
    finally:
        if given != subject.given.message:
            found.add(f"{where} changes the body that it was given: make a new one for `message.with_body(...)`")
    return "done"


async def _tried(subject: Subject, app: App, name: str) -> None:
    with suppress(Failure, OctoError):  # the call that is not cancelled reports it
        await app.call(flow_of_block(name), subject.given.message)
