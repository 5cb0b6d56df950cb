"""A dead letter: what is told of a message that failed for good, beside the message itself.

It goes where the message goes: as the reason in the dead letters of a queue, as the variable `deadLetter` in another
queue or flow, as a line of a file. As a value it is a map of texts and numbers; `v` is its version, and readers skip
the keys that they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from octo.core import clock, codec
from octo.core.bounded import bounded
from octo.core.errors import OctoError
from octo.core.flow import Failure
from octo.core.secrets import masked

VARIABLE = "deadLetter"
"""The variable that holds the letter where a flow gets the message."""
BEFORE = "before"
"""The key of a message's record that holds the letter of a message that was replayed into a queue."""
MOST_EARLIER = 4
"""Earlier failures of a message that its letter tells, the latest ones."""
LONGEST_REASON = 1_000
"""Characters of the reason."""

_VERSION = 1
_EARLIER = ("lastAt", "flow", "block", "code", "reason", "config", "octo", "attempts")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_HINT = re.compile(r"(?i)[.;] (?:keys are|did you mean|known:|there are:) .*")
_NUMBERED = re.compile(r"\w*\d[\w.:-]*")


class Letter(NamedTuple):
    """See the module.

    reason: the way to the block that failed, and what it raised; masked and of a bounded length.
    code, type, status: as in `vars.error`. block: the address of the block, "" if the message failed outside of any.
    place: the block's place in its file. attempts: how often the message was run, over all replays.
    first_at, last_at: when it became a dead letter for the first and for the last time, in UTC.
    config: the hash of the flow files that it ran with. octo: the version of Octo.
    earlier: what happened before it was replayed, the latest last; at most `MOST_EARLIER`.
    """

    flow: str
    reason: str
    code: str
    type: str
    first_at: str
    last_at: str
    attempts: int = 1
    status: int | None = None
    block: str = ""
    place: str = ""
    config: str = ""
    octo: str = ""
    earlier: tuple[Mapping[str, Any], ...] = ()

    @property
    def fingerprint(self) -> str:
        """What all letters with the same cause have in common: 8 hexadecimal digits.

        It is made of flow, block, code and reason. What the reason quotes, every number, and what a hint lists count
        as equal: messages with different order numbers fail alike.
        """
        alike = _NUMBERED.sub("#", _QUOTED.sub("?", _HINT.sub("", self.reason)))
        parts = (self.flow, self.block, self.code, self.type, str(self.status), alike)
        return sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:8]

    def after(self, before: Letter | None) -> Letter:
        """The same letter for a message that was replayed: one more attempt, not another message."""
        if before is None:
            return self
        told = before.as_value()
        earlier = (*before.earlier, {key: told[key] for key in _EARLIER if key in told})
        return self._replace(
            first_at=before.first_at, attempts=before.attempts + self.attempts, earlier=earlier[-MOST_EARLIER:]
        )

    def as_value(self) -> dict[str, Any]:
        """The letter as a JSON value."""
        value: dict[str, Any] = {"v": _VERSION}
        value |= {_key(name): each for name, each in self._asdict().items() if each not in ("", None, ())}
        return value | ({"earlier": [dict(each) for each in self.earlier]} if self.earlier else {})

    def as_text(self) -> str:
        """The letter as a line of JSON."""
        return codec.write(self.as_value()).decode()


def of(flow: str, reason: str, error: Exception, *, attempts: int = 1, config: str = "", octo: str = "") -> Letter:
    """The letter of a message that the flow failed with this error."""
    failure = error if isinstance(error, Failure) else Failure(error, "", "", _NOBODYS, text=reason)
    told = failure.as_value(flow)
    now = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Letter(
        flow=flow,
        reason=bounded(masked(reason), LONGEST_REASON),
        code=str(told["code"]),
        type=str(told["type"]),
        first_at=now,
        last_at=now,
        attempts=attempts,
        status=error.cause.status if isinstance(error, Failure) and isinstance(error.cause, OctoError) else None,
        block=failure.address,
        place=str(failure.at or ""),
        config=config,
        octo=octo,
    )


def read(value: object) -> Letter | None:
    """The letter that a value is, or a text of its JSON; None if it is none."""
    if isinstance(value, str):
        try:
            value = codec.read(value) if value[:1] == "{" else None
        except codec.NotJson:
            return None
    if not isinstance(value, Mapping) or value.get("v") != _VERSION:
        return None
    given = {name: value[_key(name)] for name in Letter._fields if _key(name) in value}
    kinds = {"attempts": int, "status": int, "earlier": list}
    if not all(isinstance(each, kinds.get(name, str)) for name, each in given.items()):
        return None
    earlier = [_told(each) for each in given.pop("earlier", ())[-MOST_EARLIER:] if isinstance(each, Mapping)]
    texts = {name: bounded(each) for name, each in given.items() if isinstance(each, str)}
    try:
        return Letter(**{**given, **texts}, earlier=tuple(earlier))
    except TypeError:  # something that every letter has is missing
        return None


def reason_of(note: str) -> str:
    """What a line of the log says of the note that a source keeps; see `octo.core.delivery.Reject`."""
    told = read(note)
    return note if told is None else f"{told.code}: {told.reason}" if told.code else told.reason


def _told(earlier: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of an earlier failure. Whoever can send into a queue can write letters, too: no text is long."""
    found = {key: earlier[key] for key in _EARLIER if isinstance(earlier.get(key), str | int)}
    return {key: bounded(each) if isinstance(each, str) else each for key, each in found.items()}


def unknown(flow: str, reason: str) -> Letter:
    """The letter of a message that an older Octo, or another program, has put away with a plain reason."""
    return Letter(flow, bounded(masked(reason), LONGEST_REASON), "", "", "", "")


def _key(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


_NOBODYS: Any = None
"""The message of a failure that is only asked for its text and kind."""
