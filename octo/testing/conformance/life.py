"""Checks opening and closing: repeatedly, with an error inside, and cancelled half way."""

from __future__ import annotations

import asyncio

from octo.core.errors import OctoError, Transient
from octo.core.powers import Healthy
from octo.testing.conformance.subject import Subject
from octo.testing.conformance.watch import TURNS, Findings, cancelled, watched


class _Marker(Exception):
    """An error that is raised inside, and must come out."""


async def check(subject: Subject, found: Findings) -> bool:
    """Report what opening and closing get wrong; return whether it can be opened at all."""
    try:
        await _twice(subject, found)
    except Exception as error:  # noqa: BLE001  whatever it raises is a finding
        found.add(_not_opened(error, found))
        return False
    await _with_an_error_inside(subject, found)
    for turns in TURNS:
        async with watched("opening that is cancelled", found):
            if wrong := await cancelled(_hold(subject), turns, subject.given.patience):
                found.add(f"opening {wrong}")
    return True


def _not_opened(error: Exception, found: Findings) -> str:
    text = found.raised("opening", error)
    if isinstance(error, TimeoutError):
        return "it does not open and close within `patience`: give what it waits for a deadline"
    if isinstance(error, OctoError):
        return f"it does not open twice in a row with the settings given: {text}"
    return f"`open` raises {text}: raise octo.Permanent or octo.Transient with what to do"


async def _twice(subject: Subject, found: Findings) -> None:
    async with watched("opening and closing", found), asyncio.timeout(subject.given.patience):
        async with subject.open() as first:
            found.texts.append(("the repr of the connector", repr(first)))
            await _healthy(first, found)
        async with subject.open() as second:
            if first is second:
                found.add("`open` yields the object that was closed before: make a new one each time")


async def _healthy(connector: object, found: Findings) -> None:
    if not isinstance(connector, Healthy):
        return
    try:
        await connector.health()
    except Transient as error:
        found.add(f"it says right after opening that it does not work: {found.raised('`health`', error)}")
    except Exception as error:  # noqa: BLE001  whatever it raises is a finding
        found.add(f"`health` raises {found.raised('`health`', error)}: raise octo.Transient with what does not work")


async def _with_an_error_inside(subject: Subject, found: Findings) -> None:
    async with watched("closing after an error", found):
        try:
            await _raise_inside(subject)
        except _Marker:
            return
        except Exception as error:  # noqa: BLE001  whatever it raises is a finding
            found.add(f"closing after an error raises another: {found.raised('closing', error)}")
        else:
            found.add("`open` swallows errors from inside: use `try ... finally` around `yield`, not `except`")


async def _raise_inside(subject: Subject) -> None:
    async with subject.open():
        raise _Marker


async def _hold(subject: Subject) -> None:
    async with subject.open():
        await asyncio.Event().wait()
