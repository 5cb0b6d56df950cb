"""Cassettes: what was asked of another system and what it replied, recorded once and replayed without that system.

A connector says how a request and a reply are written, as plain values (`Format`); everything else is the same for all:
which recorded reply a request gets, what differs from it (`octo.core.changes`), and what must not be written down
(`octo.core.cleaned`). Files are read and written by `octo.suite.cassettes`.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, Field, PrivateAttr
from pydantic_core import PydanticCustomError

from octo.core import clock
from octo.core.changes import ABSENT, Change, unlike
from octo.core.cleaned import clean
from octo.core.errors import Explanation, OctoError, Permanent
from octo.core.secrets import MARK
from octo.core.settings import Settings
from octo.core.shown import shown

T = TypeVar("T")

Plain = Mapping[str, Any]
"""A request or a reply as the file has it."""

Mode = Literal["replay", "record", "drift"]
"""replay: nothing is called. record: what is not recorded is called. drift: everything is called, nothing is kept."""

MOST_OF_ONE = 1024 * 1024
MOST_OF_ALL = 6 * 1024 * 1024
"""Characters of one exchange, and of all of a cassette."""

NOT_RECORDED = "OCTO-Y101"
TOO_LARGE = "OCTO-Y102"
DAMAGED = "OCTO-Y103"
NOT_WRITTEN = "OCTO-Y104"

EXPLANATIONS = {
    NOT_RECORDED: Explanation(
        "A call that is not on the cassette",
        "The stub of the connector replays a cassette, and the cassette has no reply to this request, or all of them "
        "were given: each is given once, in the order of the file, unless the stub says `repeat: true`. The message "
        "names the nearest request and what differs. If the flow asks for something new on purpose, record it: `octo "
        "test --record`. If a part of the request is new each time, such as a time or an id, list it under "
        "`ignore`.\n\n"
        "  stubs: {shop: {cassette: cassettes/shop.yaml, ignore: [request.body.sentAt]}}",
    ),
    TOO_LARGE: Explanation(
        "Too much for a cassette",
        f"One exchange may have about {MOST_OF_ONE // 1024 // 1024} MiB, a cassette {MOST_OF_ALL // 1024 // 1024} MiB: "
        "people read it, and it is kept under version control. Ask for less in the test, give each case a cassette of "
        "its own, or write the answer under `answers` of the stub.",
    ),
    DAMAGED: Explanation(
        "A cassette that cannot be read",
        "A cassette is a YAML file with `cassette: 1`, the type of the connector under `of`, and a list of "
        "`exchanges`, each with a `request` and a `reply`. It may be edited by hand. The message says what is wrong "
        "and where. To begin anew, remove the file and run `octo test --record`.",
    ),
    NOT_WRITTEN: Explanation(
        "A cassette that cannot be written",
        "`octo test --record` writes a new file beside the cassette and puts it in its place. The message has the "
        "reason of the system; what was recorded in this run is lost.",
    ),
}

_MOST_SHOWN = 3


class Exchange(NamedTuple):
    """A request and its reply."""

    request: Plain
    reply: Plain


class Format(NamedTuple):
    """How a connector writes its calls.

    request, reply: the models of both. label: names a request in messages. tells: whether a change at this place of a
    reply means something; others are no drift. goes_on: whether, when it is compared, the flow gets what was recorded:
        each reply depends on its request alone, so that every recorded request can be compared. doubt: why a reply may
        not be one to keep, such as a status of 401; "" for most.
    """

    request: type[Settings]
    reply: type[Settings]
    label: Callable[[Plain], str]
    tells: Callable[[str], bool] = lambda _: True
    goes_on: bool = False
    doubt: Callable[[Plain], str] = lambda _: ""


class Asked(NamedTuple):
    """A call that was made to find out whether the other side has changed.

    at: index of the recorded exchange, None if it has none. error: why there was no reply, "" if there was.
    """

    at: int | None
    request: Plain
    changes: tuple[Change, ...] = ()
    error: str = ""


class Cassette:
    """The exchanges of one file. All cases that name it share it, from several threads.

    used: the indexes of those that some case has asked for. added: how many are not in the file yet.
    """

    def __init__(self, file: Path, form: Format, exchanges: Sequence[Exchange] = (), mode: Mode = "replay") -> None:
        self.file = file
        self.form = form
        self.mode = mode
        self.exchanges = list(exchanges)
        self.used: set[int] = set()
        self.asked: list[Asked] = []
        self.added = 0
        self._lock = threading.Lock()

    def __eq__(self, other: object) -> bool:
        # Of connectors with equal stubs, the one that is open goes on with both.
        return isinstance(other, Cassette) and (self.file, self.exchanges) == (other.file, other.exchanges)

    __hash__ = None  # type: ignore[assignment]

    def use(self, index: int) -> Plain:
        with self._lock:
            self.used.add(index)
            return self.exchanges[index].reply

    def add(self, exchange: Exchange) -> int:
        """Add an exchange at the end; return its index. Raises `Permanent` if there would be too much."""
        with self._lock:
            size = _size(exchange)
            if size > MOST_OF_ONE or size + sum(map(_size, self.exchanges)) > MOST_OF_ALL:
                what = self.form.label(exchange.request)
                raise Permanent(f"{what}: too much for the cassette {str(self.file)!r}", code=TOO_LARGE)
            self.exchanges.append(exchange)
            self.added += 1
            self.used.add(len(self.exchanges) - 1)
            return len(self.exchanges) - 1

    def note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)
            if asked.at is not None:
                self.used.add(asked.at)


def _place(text: str) -> str:
    if not text.startswith(("request.", "reply.")):
        raise PydanticCustomError("place", "a place begins with `request.` or `reply.`, e.g. `request.body.sentAt`")
    return text


class Replayed(Settings):
    """A stub that can replay a cassette."""

    cassette: Path | None = None
    """Replay this file, a path beside the test file. `octo test --record` calls the real system for what the file does
    not have, and writes it; `octo test --drift` shows what has changed there."""
    ignore: list[Annotated[str, AfterValidator(_place)]] = Field(default_factory=list)
    """Places that may differ: `request.body.sentAt` when a recorded reply is looked for, `reply.body.items[].id` when
    `--drift` compares. All below a place is ignored with it."""
    repeat: bool = False
    """Whether the last reply to a request is given again when all recorded ones were given, and the script of a model
    begins again. Default: such a call fails."""

    form: ClassVar[Format]
    _cassette: Cassette | None = PrivateAttr(default=None)

    def insert(self, cassette: Cassette) -> None:
        """Give the stub what its `cassette` names."""
        self._cassette = cassette

    def player(self) -> Player | None:
        """What plays the cassette, from the beginning; None for a stub without one."""
        if self.cassette is None:
            return None
        if self._cassette is None:
            raise Permanent(f"the cassette {str(self.cassette)!r} was not read; a test file does that", code=DAMAGED)
        return Player(self._cassette, self.ignore, repeat=self.repeat)


class Player:
    """Plays a cassette for one connector that is open. Each exchange is given once."""

    def __init__(self, cassette: Cassette, ignore: Sequence[str] = (), *, repeat: bool = False) -> None:
        self._cassette = cassette
        self._ignored = {side: _below(side, ignore) for side in ("request", "reply")}
        self._repeat = repeat
        self._given: set[int] = set()

    @property
    def is_live(self) -> bool:
        """Whether the other side may be called."""
        return self._cassette.mode != "replay"

    async def play(
        self,
        request: Plain,
        call: Callable[[], Awaitable[T]],
        *,
        write: Callable[[T], Plain],
        read: Callable[[Plain], T],
    ) -> T:
        """Return the recorded reply to a request, or that of the other side.

        call: asks the other side. write, read: between a reply and its plain form. Raises `Permanent` if nothing fits.
        """
        request = clean(request)
        index = self._next(request)
        if self._cassette.mode == "drift":
            reply = await self._compared(index, request, call, write)
            is_kept = index is not None and self._cassette.form.goes_on
            return read(self._cassette.use(index)) if index is not None and is_kept else reply
        if index is None and self._cassette.mode == "record":
            with clock.stopped():
                reply = await call()
            self._given.add(self._cassette.add(Exchange(request, clean(write(reply)))))
            return reply
        if index is None:
            raise Permanent(self._missing(request), code=NOT_RECORDED)
        self._given.add(index)
        recorded = self._cassette.use(index)
        if self._cassette.mode == "record" and _has_lost_a_secret(recorded):
            with clock.stopped():  # what is not recorded may need the secret that the recorded reply has lost
                return await call()
        return read(recorded)

    async def _compared(
        self, index: int | None, request: Plain, call: Callable[[], Awaitable[T]], write: Callable[[T], Plain]
    ) -> T:
        if index is not None:
            self._given.add(index)
        try:
            with clock.stopped():
                reply = await call()
        except OctoError as error:
            self._cassette.note(Asked(index, request, error=str(error)))
            raise
        found: tuple[Change, ...] = ()
        if index is not None:
            recorded, now = self._cassette.exchanges[index].reply, clean(write(reply))
            ignored, tells = self._ignored["reply"], self._cassette.form.tells
            found = tuple(each for each in unlike(recorded, now, ignored) if tells(each.path))
        self._cassette.note(Asked(index, request, found))
        return reply

    def _next(self, request: Plain) -> int | None:
        fitting = [index for index, each in enumerate(self._cassette.exchanges) if self._fits(each, request)]
        left = (index for index in fitting if index not in self._given)
        is_again = self._repeat and self._cassette.mode == "replay" and bool(fitting)
        return next(left, fitting[-1] if is_again else None)

    def _fits(self, each: Exchange, request: Plain) -> bool:
        return not unlike(each.request, request, self._ignored["request"])

    def _missing(self, request: Plain) -> str:
        """Say what is missing, and which recorded request is the nearest."""
        label, exchanges = self._cassette.form.label, self._cassette.exchanges
        text = f"the cassette {str(self._cassette.file)!r} has no reply to {label(request)}"
        cure = "`octo test --record` records it"
        if not exchanges:
            return f"{text}; it is empty; {cure}"
        apart = [unlike(each.request, request, self._ignored["request"]) for each in exchanges]
        index = min(range(len(apart)), key=lambda index: _distance(apart[index]))
        if not apart[index]:
            times = apart.count([])
            return f"{text}: its {times} recorded {'reply was' if times == 1 else 'replies were'} given; {cure}"
        told = [f"{each.path}: recorded {_cut(each.was)}, asked {_cut(each.now)}" for each in apart[index]]
        more = f" and {len(told) - _MOST_SHOWN} more" if len(told) > _MOST_SHOWN else ""
        nearest = f"the nearest is exchange {index + 1} ({label(exchanges[index].request)}), which differs in"
        return f"{text}; {nearest} {'; '.join(told[:_MOST_SHOWN])}{more}; {cure}"


def _distance(found: Sequence[Change]) -> tuple[int, int]:
    """How far a request is from another: another address is farther than another body."""
    return sum("." not in each.path and "[" not in each.path for each in found), len(found)


def _cut(value: object) -> str:
    text = repr(value) if value is ABSENT else shown(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _has_lost_a_secret(reply: Plain) -> bool:
    """Whether a flow may send on a secret that is masked here; cookies are not sent on."""
    return MARK.search(shown({key: each for key, each in reply.items() if key != "headers"})) is not None


def _size(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(len(str(key)) + _size(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return len(value) if isinstance(value, str | bytes) else 8


def _below(side: str, places: Sequence[str]) -> list[str]:
    return [each.removeprefix(f"{side}.") for each in places if each.startswith(f"{side}.")]
