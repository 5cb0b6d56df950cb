"""What `octo test --record` and `--drift` say of cassettes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from octo.cli import exits
from octo.cli.project import wants_colour
from octo.cli.terminal import say
from octo.core.errors import OctoError

if TYPE_CHECKING:
    from octo.suite import Cassettes


def recorded(cassettes: Cassettes) -> int:
    """Write what was recorded, and say so. Return the exit code."""
    try:
        saved = cassettes.save()
    except OctoError as error:
        say(f"{error.code}: {error}", err=True)
        return exits.USAGE
    for each in saved:
        say(f"recorded {each.added} exchange{'s' if each.added > 1 else ''} in {each.file}")
        for doubt in each.doubts:
            say(f"  {doubt}; if that is not what the test wants, remove it and record again")
    return exits.DONE


def drifted(cassettes: Cassettes) -> int:
    """Show what has changed since it was recorded. Return the exit code."""
    from octo.suite.drift import drift

    found = drift(cassettes)
    say()
    for line in found.lines:
        say(line.text, fg=line.colour if wants_colour() else None)
    return exits.FAILED if found.is_any else exits.DONE
