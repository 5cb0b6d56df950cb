"""Errors say who must act.

    OctoError
    ├── ConfigError   the author: every problem of a configuration, with its place and what to do
    ├── Permanent     a person: the same message would fail again; `BudgetExceeded` (octo.core.budget) is one
    ├── Transient     nobody: the same message may succeed later
    │   ├── Timeout       a deadline passed
    │   ├── NotConnected  the other side never got the call
    │   ├── Disconnected  the connector has lost its connection: it is opened again
    │   ├── Overloaded    no room before the deadline
    │   └── NoRoom        the disk is full
    └── Bug           Octo's developers, or the author of the block

`ExprError` (author) lives in `octo.expr`, which knows nothing of this tree. Every error has a stable `code`;
`octo explain CODE` prints what `EXPLANATIONS` says of it. The source decides what a caller outside sees; that is never
the text of an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import copy
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from octo.core.bounded import bounded


class Position(NamedTuple):
    """A place in a file: `line` and `column` count from 1; 0 means "the file as a whole"."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class Problem(NamedTuple):
    """One thing that an author must change: where it is, what was found there, and what to do about it."""

    code: str
    at: Position
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{self.at}: {self.code}: {self.message}{hint}"

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "file": self.at.file,
            "line": self.at.line,
            "column": self.at.column,
            "message": self.message,
            "hint": self.hint,
        }


class OctoError(Exception):
    """Root of the tree.

    code: stable and documented. kind: the `vars.error.type` of a class that is defined elsewhere; without one it is
    that of the class in the tree above. status: an HTTP-like status if the failure had one. vars: variables for the
    error chain (a `rest` block sets its `statusCode` even when it fails).
    """

    code: str = "OCTO-R100"
    kind: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        vars: Mapping[str, object] | None = None,  # noqa: A002  the language's own word
    ) -> None:
        super().__init__(bounded(message))
        if code is not None:
            self.code = code
        self.status = status
        self.vars: Mapping[str, object] = vars or {}

    def within(self, work: str) -> Self:
        """The same error, whose text begins with the work that it ended, e.g. `sql query`."""
        error = copy(self)
        error.args = (bounded(f"{work}: {self}"),)
        return error


class ConfigError(OctoError):
    """All problems of a configuration at once, sorted by place.

    watched: the files whose change may mend it, as far as is known.
    """

    code = "OCTO-C100"

    def __init__(self, problems: Iterable[Problem], watched: Iterable[Path] = ()) -> None:
        self.watched = tuple(watched)
        self.problems = sorted(problems, key=lambda problem: problem.at)
        super().__init__("")
        self.args = ("\n".join(str(problem) for problem in self.problems),)  # each is short: no client wrote it


class Permanent(OctoError):
    """The same message would fail again."""

    code = "OCTO-R110"


class Transient(OctoError):
    """Another system was not ready; the same message may succeed later.

    retry_after: seconds after which the other system wants to be asked again; None if it has not said.
    """

    code = "OCTO-R120"
    retryable = True
    retry_after: float | None = None


class Timeout(Transient):
    """A deadline passed while work was under way."""

    code = "OCTO-R121"


class NotConnected(Transient):
    """No connection was made: the other side never got the call, so it did nothing."""


class Disconnected(Transient):
    """The connector has lost its connection. The engine reopens it when a source, a block or `health` raises this."""

    code = "OCTO-R123"


class Overloaded(Transient):
    """There was no room before the deadline; `retry_after` is an estimate in seconds."""

    code = "OCTO-R122"

    def __init__(self, message: str, *, retry_after: float = 1.0, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after: float = retry_after


class NoRoom(Transient):
    """The disk has no room for large content, or the folder for it cannot be written."""

    code = "OCTO-R124"


class Bug(OctoError):
    """An exception that the code did not expect, in a block or in Octo. The message fails, the process goes on."""

    code = "OCTO-R190"


class Explanation(NamedTuple):
    """What `octo explain CODE` prints."""

    title: str
    text: str


EXPLANATIONS: dict[str, Explanation] = {
    "OCTO-E301": Explanation(
        "The value of an expression has the wrong type",
        "A condition must be a bool (there is no truthiness: write `size(body.items) > 0`, not `body.items`), the "
        "`items` of foreach a list, and a key or header must not be null. Wrong: `condition: body.count`. Right: "
        "`condition: body.count > 0`.",
    ),
    "OCTO-L101": Explanation(
        "A budget is used up",
        "A flow, a block or a connector has a `budget`, and one more call of a model or a tool would have passed a "
        "limit of it, or its time was over. The text says whose budget and which limit. The error is of the type "
        "`BudgetExceeded`; `vars.ai` in an error chain has what was spent, and the conversation so far as `history`. "
        "Raise the limit, or find out from the history why so many calls were made: often a tool fails again and "
        "again.",
    ),
    "OCTO-R100": Explanation("An operation failed", "The message says what failed. No more specific code applies."),
    "OCTO-R110": Explanation(
        "Permanent failure",
        "Trying the same message again would fail again: the other side refused it or it cannot be processed. "
        "Handle it in the flow's `error:` chain or in `handle-errors`; `vars.error.retryable` is false.",
    ),
    "OCTO-R111": Explanation(
        "A flow called itself too often",
        "A flow-ref led back to its own flow more than 100 times within one call. Give the recursion an end: put the "
        "flow-ref into an `if` or `switch` whose condition becomes false.",
    ),
    "OCTO-R112": Explanation(
        "Flows wait for one another",
        "Flows that call one another in a circle were all busy, and every message in them waited for a free worker, or "
        "for room in the line, of another one: none could ever go on. So Octo refused one call. Often a flow sends "
        "several messages to itself, so that there are more and more; send at most one, or end the circle earlier. Or "
        "give the flows more `workers` and a larger `buffer`.",
    ),
    "OCTO-R113": Explanation(
        "A lock would wait for itself",
        "A `lock` stands inside of the chain of another one, or in a flow that this chain calls, and both have the "
        "same key for this message. The inner one could never get the lock, because the outer one gives it back only "
        "after it. Leave the inner one out, or give it another key.",
    ),
    "OCTO-R120": Explanation(
        "Transient failure",
        "A network, database or other system was not ready. The same message may succeed later; "
        "`vars.error.retryable` is true. Octo opens lost connections again.",
    ),
    "OCTO-R121": Explanation(
        "Deadline passed",
        "The work was still under way when its deadline passed. It was cancelled, and outgoing calls were aborted. "
        "Raise the `timeout` of the source or of the slow block, or make the backend faster.",
    ),
    "OCTO-R122": Explanation(
        "Overloaded",
        "All `workers` of the flow are busy, and its line of `buffer` messages is full, or the message did not get a "
        "worker before its deadline. An HTTP caller gets 503 with Retry-After. If another system is slow, nothing here "
        "helps but a shorter timeout. Raise `workers` if the flow mostly waits; add processes if it computes.",
    ),
    "OCTO-R123": Explanation(
        "A connector has lost its connection",
        "Octo closes the connector and tries to open it again, with pauses of 1 to 30 seconds, until that succeeds. "
        "Meanwhile `/readyz` says which connector it is and since when, its sources rest, and messages that need it "
        "fail with this code; `vars.error.retryable` is true, and a source that can redeliver them does. If it takes "
        "long, see the reason in `/readyz` or the log.",
    ),
    "OCTO-R124": Explanation(
        "Large content cannot be kept",
        "Content of more than 1 MiB is kept in a file without a name, in the folder that `OCTO_SPOOL_DIR` names, else "
        "in that of the system for temporary files (`TMPDIR`). The disk there is full, or the folder cannot be "
        "written. Make room, or name another folder. Senders of such a request get 503.",
    ),
    "OCTO-R130": Explanation(
        "A connector did not start",
        "The connector could not be opened, so the configuration does not run. The text says why: a port in use, a "
        "database that is down, a file that cannot be written. If a reload fails this way, what runs keeps running.",
    ),
    "OCTO-R140": Explanation(
        "A stored message cannot be read",
        "The record of a message is damaged, or was written by a newer Octo. Every Octo reads what it and all earlier "
        "versions wrote: read it with a version that is at least as new as the one that wrote it.",
    ),
    "OCTO-R150": Explanation(
        "A message cannot go on in the files that it began with",
        "The flow has `durability: journal`, and its files were edited while a message was under way, or the process "
        "was started with others. The message goes on in the version that it began with, and that version cannot be "
        "opened now: the text says why. Often a variable, a Python function or a file beside it is gone. The message "
        "is kept; put back what is missing. Octo keeps flow files for 90 days after they were used for the last time.",
    ),
    "OCTO-R190": Explanation(
        "Bug",
        "A block raised an exception that its code did not expect. The message failed, nothing else did. The log has "
        "the traceback. If the block is one of Octo's own, please report it.",
    ),
}


def system_reason(error: OSError) -> str:
    """The text of an error of the operating system, e.g. `Connection refused`.

    asyncio writes `[Errno 111] Connect call failed ('127.0.0.1', 1)` instead, which only programmers can read.
    """
    if error.errno and "Connect call failed" in str(error):
        return os.strerror(error.errno)
    return error.strerror or str(error) or "the connection was closed"
