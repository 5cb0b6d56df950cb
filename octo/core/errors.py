"""Errors say who must act.

    OctoError
    ├── ConfigError   the author: every problem of a configuration, with its place and its cure
    ├── Permanent     nobody: the same message would fail again
    ├── Transient     time: worth trying again
    │   ├── Timeout       a deadline passed
    │   ├── NotConnected  the other side knows nothing of the call
    │   ├── Disconnected  the connector has lost its connection: it is opened again
    │   └── Overloaded    no room before the deadline
    └── Bug           us, or whoever wrote the block

`ExprError` (author) lives in `octo.expr`, which knows nothing of this tree. Every error has a stable `code`;
`octo explain CODE` prints what `EXPLANATIONS` says of it. What a caller outside sees is decided by its source:
never the text of an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple


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
    """One thing that an author must change: where it is, what was found, and what to do about it."""

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

    `code` is stable and documented, `status` an HTTP-like status when the failure had one, `vars` what the error
    path may read as variables (a `rest` block sets its `statusCode` even when it fails).
    """

    code: str = "OCTO-R100"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        vars: Mapping[str, object] | None = None,  # noqa: A002  the language's own word
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.status = status
        self.vars: Mapping[str, object] = vars or {}


class ConfigError(OctoError):
    """All problems of a configuration at once, sorted by place."""

    code = "OCTO-C100"

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.at)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Permanent(OctoError):
    """The same message would fail again."""

    code = "OCTO-R110"


class Transient(OctoError):
    """The world was not ready; the same message may succeed later."""

    code = "OCTO-R120"
    retryable = True


class Timeout(Transient):
    """A deadline passed while work was under way."""

    code = "OCTO-R121"


class NotConnected(Transient):
    """No connection came about: the other side knows nothing of the call, so nothing was done there."""


class Disconnected(Transient):
    """The connector has lost its connection; raised by a source, a block or `health`, it lets the engine reopen it."""

    code = "OCTO-R123"


class Overloaded(Transient):
    """There was no room before the deadline; `retry_after` is an estimate in seconds."""

    code = "OCTO-R122"

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Bug(OctoError):
    """An exception nobody planned for, from a block or from us. The message is lost to it, the process is not."""

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
    "OCTO-R100": Explanation("An operation failed", "The message says what failed. No more specific code applies."),
    "OCTO-R110": Explanation(
        "Permanent failure",
        "Trying the same message again would fail again: the other side refused it or it cannot be processed. "
        "Handle it in the flow's `error:` chain or in `handle-errors`; `vars.error.retryable` is false.",
    ),
    "OCTO-R111": Explanation(
        "A flow called itself too often",
        "A flow-ref led back to its own flow more than a hundred times within one call. Give the recursion an end: an "
        "`if` or `switch` around the flow-ref whose condition becomes false.",
    ),
    "OCTO-R120": Explanation(
        "Transient failure",
        "A network, database or other system was not ready. The same message may succeed later; "
        "`vars.error.retryable` is true. Connections are opened again by themselves.",
    ),
    "OCTO-R121": Explanation(
        "Deadline passed",
        "The work was still under way when its deadline passed, and was cancelled: outgoing calls are aborted. "
        "Raise the source's `timeout`, or the slow block's own one, or make the backend faster.",
    ),
    "OCTO-R122": Explanation(
        "Overloaded",
        "All `workers` of the flow are busy, its `buffer` is full, and waiting would outlast the deadline. An HTTP "
        "caller gets 503 with Retry-After. Raise `workers` if the flow mostly waits; add processes if it computes.",
    ),
    "OCTO-R123": Explanation(
        "A connector has lost its connection",
        "The connector is closed and opened again, after pauses of 1 to 30 seconds, until that succeeds. Meanwhile "
        "`/readyz` says which one and since when, its sources rest, and messages that need it fail with this code; "
        "`vars.error.retryable` is true, and a source that can redeliver does. If it lasts, see the reason in "
        "`/readyz` or the log.",
    ),
    "OCTO-R130": Explanation(
        "A connector did not start",
        "The connector could not be opened, so the configuration does not run. The text says why: a port in use, a "
        "database that is down, a file that cannot be written. A reload that meets this keeps what runs.",
    ),
    "OCTO-R140": Explanation(
        "A stored message cannot be read",
        "The record of a message is damaged, or was written by a newer Octo. Every Octo reads what it and all earlier "
        "ones wrote: read it with a version that is at least as new as the one that wrote it.",
    ),
    "OCTO-R190": Explanation(
        "Bug",
        "A block raised an exception it did not plan for. The message failed, nothing else did. The log has the "
        "traceback. If the block is one of Octo's own, please report it.",
    ),
}
