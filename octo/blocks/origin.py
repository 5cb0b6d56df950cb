"""Where in an author's Python files an error comes from."""

from __future__ import annotations

import os
import re
import sysconfig
import traceback
from contextlib import suppress
from pathlib import Path

_OURS = f"{Path(__file__).parents[1]}{os.sep}"
_INSTALLED = re.compile(
    rf"[/\\](?:site|dist)-packages[/\\]|^{re.escape(sysconfig.get_path('stdlib'))}|^{re.escape(_OURS)}|^<"
)


def origin(error: BaseException) -> str:
    """` (FILE:LINE)` of the innermost line that raised the error and is neither installed nor ours; "" if none did."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is that of our caller
    own = [each for each in frames if not _INSTALLED.search(each.filename)]
    return f" ({place(own[-1].filename, own[-1].lineno)})" if own else ""


def place(file: str, line: int | None = None) -> str:
    """`FILE:LINE`; the file is relative to the working directory if it is below."""
    path = Path(file)
    with suppress(ValueError, OSError):
        path = path.relative_to(Path.cwd())
    return f"{path}" if line is None else f"{path}:{line}"
