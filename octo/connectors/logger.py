"""Log lines of flows: to the process log, standard output, standard error or a file.

A `log` block never fails a message because its line could not be written: such lines are counted, and the first is
reported on the process log.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal, Self

from octo import expr
from octo.core import log as process_log
from octo.core.block import Site, block
from octo.core.connector import connector
from octo.core.content import Held
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Advanced, AnyCase, Settings
from octo.core.spool import Content
from octo.core.state import State

_MOST_KEPT = 1000

Level = Literal["debug", "info", "warn", "warning", "error"]


class Output(Settings):
    output: str | None = None
    """Where lines go: `stdout`, `stderr`, or the path of a file. A file is created with mode 0600 and appended to; it
    is opened again after it was rotated away. Such lines have the field `event_id` alone; those of the process log also
    have `flow`. Default: the process log, in its format. Under `octo invoke`, `stdout`
    means standard error, because the result goes to standard output."""

    format: Annotated[Literal["text", "json"] | None, AnyCase] = None
    """`text` (default) for lines such as `time=... level=INFO msg="..."`, `json` for one JSON object per line."""

    level: Annotated[Level | None, AnyCase] = None
    """The lowest level that is written. Default `info`; for the process log, the level of the process."""

    add_source: Annotated[bool, Advanced] = False
    """Whether each line has the address of the block that wrote it (`block=orders.check[then].log`)."""

    @property
    def is_own(self) -> bool:
        """Whether lines go elsewhere than to the process log, in a form that programs read: they have `event_id` and
        what the block asks for, but neither `flow` nor other ids.
        """
        return self.output is not None or self.format is not None


class Entry(Settings):
    message: Expr[object] | None = None
    """The text of the line. A value that is no text is written as compact JSON. Default: body and variables as JSON;
    with `full`, the word `message`."""

    level: Annotated[Level, AnyCase] = "info"
    """The level of the line. Below the logger's own level, nothing is written and `message` is not evaluated,
    except in tests. Capitals do not matter."""

    full: bool = False
    """Whether the line contains the whole message: correlation id, variables and body."""

    def wording(self, path: tuple[str | int, ...]) -> str:  # noqa: ARG002  there is but one expression
        return "render log message"

    def shape_after(self, before: State) -> State:
        before.of(self.message)
        return before


class Stub(Settings):
    """Nothing is written. Every `message` is evaluated, also below the level: one that fails, fails here."""


@connector("logger")
class Logger:
    def __init__(self, logger: logging.Logger, settings: Output) -> None:
        self._logger = logger
        self._settings = settings
        self.lines: deque[dict[str, object]] = deque(maxlen=_MOST_KEPT)
        """Under a stub, the last lines as the fields of their JSON form, without the time."""
        self._checks = process_log.lines_checked()
        """Whether the text of a line that is not written is evaluated all the same: a test finds what fails."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Output) -> AsyncIterator[Self]:
        if not settings.is_own:
            logger = logging.getLogger("octo.flow")
            if settings.level:
                logger = _own(process_log.LEVELS[settings.level], parent=logger)
            yield cls(logger, settings)
            return
        handler = _handler(settings.output or "stderr")
        form = process_log.Json if settings.format == "json" else process_log.Text
        handler.setFormatter(form(bare=True))
        logger = _own(process_log.LEVELS[settings.level or "info"])
        logger.addHandler(handler)
        try:
            yield cls(logger, settings)
        finally:
            handler.close()

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Output, stub: Stub) -> AsyncIterator[Self]:  # noqa: ARG003  nothing to set
        instance = cls(_own(process_log.LEVELS[settings.level or "info"]), settings)
        instance._logger.addHandler(_Kept(instance.lines, bare=settings.is_own))
        instance._checks = True
        yield instance

    @block("log", key="logger", default=True, guarantee="at most once", steps=("send",))
    def log(self, settings: Entry, message: Message, site: Site) -> Message:
        """Write a log line. The message passes through."""
        level = process_log.LEVELS[settings.level]
        if self._logger.isEnabledFor(level):
            text = _text(settings, message)
            fields: dict[str, object] = {"event_id": message.event_id}
            if not self._settings.is_own:
                fields = {"flow": site.flow, **fields}
            if self._settings.add_source:
                fields["block"] = site.address
            if settings.full:
                fields |= {"correlation_id": message.correlation_id, **_parts(message, "variables")}
            self._logger.log(level, "%s", text, extra=process_log.fields(**fields))
        elif self._checks:
            _text(settings, message)
        return message


def _text(settings: Entry, message: Message) -> str:
    if settings.message is None and settings.full:
        return "message"  # the fields hold all that could be said
    if settings.message is None:
        return expr.render(_parts(message, "vars"))
    value = settings.message(message)
    return value if isinstance(value, str) else expr.render(_short(value))


def _parts(message: Message, variables: str) -> dict[str, object]:
    shortened = {name: _short(each) for name, each in message.vars.items()}
    return {"body": _short(message.body), variables: shortened}


def _short(value: object) -> object:
    """Of large content only the size: a line of megabytes helps nobody, and costs several times that."""
    if not isinstance(value, Held):
        return value
    return {name: f"<{each.size:,} bytes>" if isinstance(each, Content) else each for name, each in dict.items(value)}


def _own(level: int, parent: logging.Logger | None = None) -> logging.Logger:
    """A logger outside the logger tree of the process, so that two connectors never share a level or a file."""
    logger = logging.Logger("octo.flow", level)  # noqa: LOG001  on purpose, see above
    logger.parent = parent
    return logger


class _Kept(logging.Handler):
    """Keeps lines instead of writing them."""

    def __init__(self, lines: deque[dict[str, object]], *, bare: bool) -> None:
        super().__init__()
        self._lines = lines
        self._form = process_log.Json(bare=bare)

    def emit(self, record: logging.LogRecord) -> None:
        line = self._form.pairs(record)
        del line["time"]
        self._lines.append(line)


def _handler(output: str) -> logging.Handler:
    if output == "stderr" or (output == "stdout" and process_log.stdout_reserved()):
        return process_log.Lines()
    if output == "stdout":
        return process_log.Lines(sys.stdout)
    try:
        return process_log.File(Path(output))
    except OSError as error:
        raise Permanent(f"cannot open the log file {output!r}: {error.strerror}") from error
