"""What an enclosed process may reach, and how a Python module is started in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

VARIABLE = "OCTO_ENCLOSURE"
"""The enclosure itself, on the way to the process."""
GIVEN = "OCTO_GIVEN_"
"""Variables with this before their name are set once the process is closed in: some, such as GCONV_PATH, run code."""


@dataclass(frozen=True)
class Enclosure:
    """What one process, and all that it starts, may reach. Whatever is not named here, it may not.

    reads: files and folders with all below them, beside what Python and the system need; programs in them may be run.
    writes: the same, to be changed as well. hides: folders that none of these open up, unless one is below a hidden
    one. connects: the TCP ports of other programs, None for any, () for no network at all. never: ports to which it
    does not connect in any case. listens: TCP ports that it may open itself; sockets that it is lent need none.
    limits: of resources by their names in the module `resource`, e.g. `{"FSIZE": 1 << 30}`. group: the folder of a
    control group to join, "" for none. is_required: whether it rather does not run than with less than all this.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    connects: tuple[int, ...] | None = ()
    never: tuple[int, ...] = ()
    listens: tuple[int, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    group: str = ""
    is_required: bool = False

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Enclosure:
        """What `as_text` has written."""
        found = {name: tuple(each) if isinstance(each, list) else each for name, each in json.loads(text).items()}
        return cls(**found)  # type: ignore[arg-type]  # each has the type that it had


class Program(NamedTuple):
    """A command line and its environment."""

    command: list[str]
    environment: dict[str, str]


def program(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    enclosure: Enclosure | None,
    given: Mapping[str, str] | None = None,
) -> Program:
    """How `python -m module arguments` is started in an enclosure, or without one.

    environment: what it is started with; all of that must come from people who may read what we can. given: variables
    of others, which win.
    """
    # No folder of the user's or the current one: what flows have written there would run before it is closed in.
    python = [sys.executable, "-s", "-P", "-m"]
    given = given or {}
    if enclosure is None:
        return Program([*python, module, *arguments], {**environment, **given})
    later = {f"{GIVEN}{name}": value for name, value in given.items()}
    return Program(
        [*python, "octo_platform.enclosure.enclosed", module, *arguments],
        {**environment, **later, VARIABLE: enclosure.as_text()},
    )
