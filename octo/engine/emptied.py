"""Whether a new version of a configuration is one that is not there: flows run, and it has none in their place.

A file that is saved as empty, or cut before its first flow, is valid. It must not stop what runs.
"""

from __future__ import annotations

from collections.abc import Iterable

from octo.config import codes
from octo.config.documents import Config, FlowDoc
from octo.core.errors import ConfigError, Position, Problem

_HINT = "what runs goes on; to allow this, start with `--allow-empty`"


def refuse_emptied(old: Config, new: Config) -> None:
    """Raise ConfigError if `new` has no flows and `old` has some, or no flow with a source and `old` has one.

    The same for a file of its own: if flows of `old` come from it, and it is there and empty, they must be elsewhere;
    and a `.env` file that set variables must set some. To remove a file together with what is in it is no mistake.
    """
    for file, count in old.given.items():
        if count and new.given.get(file) == 0:
            what = f"the file is empty, but {count} variable{'s come' if count > 1 else ' comes'} from it"
            raise ConfigError([Problem(codes.EMPTIED, Position(str(file)), what, _HINT)])
    lost = [flow for flow in old.flows.values() if flow.name not in new.flows]
    if not new.flows:
        what = "no flows are left"
    elif any(flow.source for flow in old.flows.values()) and not any(flow.source for flow in new.flows.values()):
        lost = [flow for flow in old.flows.values() if flow.source]
        what = "no flow with a source is left"
    else:
        empty = {warning.at.file for warning in new.warnings if warning.code == codes.NO_CONTENT}
        lost = [flow for flow in lost if flow.at.file in empty]
        what = "the file is empty"
    if lost:
        raise ConfigError([Problem(codes.EMPTIED, Position(lost[0].at.file), f"{what}, but {_run(lost)}", _HINT)])


def _run(flows: Iterable[FlowDoc]) -> str:
    names = [f"`{flow.name}`" for flow in flows]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{shown} {'runs' if len(names) == 1 else 'run'}"
