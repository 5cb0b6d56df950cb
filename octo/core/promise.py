"""What a source or a sink guarantees of a message, and the order of the steps that the guarantee rests on.

A source hands messages to a flow; a sink is a block that changes something outside of the process. Both declare their
promise once, beside their name; the reference, `octo doc`, `octo check --guarantees` and the kill loop read it there:

    @source("queue", guarantee="at least once", steps=("flow", "reply", "acknowledge"))
    @block("publish", guarantee="at least once", steps=("send", "confirm"), idempotent="with a key")

If settings decide, the declaration names the other promises in `instead`, and the settings have `promises()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, runtime_checkable

Guarantee = Literal["answered", "at least once", "at most once"]
"""answered: who sent the message hears what became of it, and may send it again; nobody else does. at least once: it is
handed over until the other side has settled or confirmed it. at most once: what is under way when the process or the
connection ends is lost."""

Step = Literal["record", "flow", "reply", "acknowledge", "commit", "send", "confirm"]

STEPS: Mapping[Step, str] = {
    "record": "it is written down that the message is taken, so nobody takes it again",
    "flow": "the flow has finished: with success, a drop, or a dead letter that is kept",
    "reply": "who waits for the outcome has it",
    "acknowledge": "the other side forgets the message",
    "commit": "the position behind the message is saved",
    "send": "the message or the call is on its way to the other side",
    "confirm": "the other side has said that it keeps the message, or what became of the call",
}
"""What has happened after each step."""

Idempotent = Literal["always", "with a key", "as written", "never"]
"""Whether a repeated call changes nothing more: always; if it has a key by which the other side knows it again, from
its author or from a journal; if what it is told to do is written so, as a statement of SQL can be; or never."""

SETTLING: Mapping[Guarantee, frozenset[Step]] = {
    "answered": frozenset(("reply",)),
    "at least once": frozenset(("acknowledge", "commit")),
    "at most once": frozenset(("acknowledge", "commit")),
}
"""By guarantee, the steps of a source after which nobody hands the message over again."""


class Promise(NamedTuple):
    """One promise of a source or a sink.

    steps: in their order. when: the settings under which it holds, e.g. "with `durable`"; "" for the first of several.
    idempotent: of sinks; None for sources.
    """

    guarantee: Guarantee
    steps: tuple[Step, ...] = ()
    when: str = ""
    idempotent: Idempotent | None = None

    def as_json(self) -> dict[str, object]:
        """As the catalogue has it."""
        told: dict[str, object] = {"guarantee": self.guarantee, "steps": list(self.steps), "when": self.when}
        return told if self.idempotent is None else {**told, "idempotent": self.idempotent}


@runtime_checkable
class Guaranteeing(Protocol):
    """Settings that decide which of the declared promises holds."""

    def promises(self) -> Promise: ...


def chosen(promises: Sequence[Promise], settings: object) -> Promise:
    """The one of the declared promises that holds under these settings."""
    return settings.promises() if isinstance(settings, Guaranteeing) else promises[0]


def sentence(promise: Mapping[str, object]) -> str:
    """How every page says it; the promise is in the form of the catalogue."""
    when, steps = str(promise["when"]), promise["steps"]
    told = f"{when[:1].upper()}{when[1:]}: {promise['guarantee']}." if when else f"Guarantee: {promise['guarantee']}."
    if isinstance(steps, list) and steps:
        told += f" The order: {', '.join(steps)}."
    return f"{told} Idempotent: {promise['idempotent']}." if promise.get("idempotent") else told


def contradictions(promise: Promise) -> list[str]:
    """What is wrong with a declaration: steps that are missing, or in an order that does not give the guarantee."""
    if not promise.steps:
        return ["no steps are declared"]
    if promise.idempotent is not None:
        return _of_sink(promise)
    if "flow" not in promise.steps:
        return ["a source has the step `flow`"]
    flow = promise.steps.index("flow")
    settled = [at for at, step in enumerate(promise.steps) if step in SETTLING[promise.guarantee]]
    if promise.guarantee == "at most once":
        return ["it settles after the flow, so it is no `at most once`"] if any(at > flow for at in settled) else []
    if not settled:
        return [f"nothing settles the message after the flow, so it is not `{promise.guarantee}`"]
    return [f"`{promise.steps[at]}` comes before `flow`: a crash loses it" for at in settled if at < flow]


def _of_sink(promise: Promise) -> list[str]:
    if "send" not in promise.steps:
        return ["a sink has the step `send`"]
    if (promise.guarantee == "at most once") is ("confirm" in promise.steps):
        return ["`confirm` is a step of a sink unless it is `at most once`"]
    return []
