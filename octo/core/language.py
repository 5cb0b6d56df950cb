"""The keys of a flow file that belong to no component, as settings models: a flow's, and those of a variable.

Each is declared here and nowhere else. The configuration reads them, the catalogue and the JSON Schema show them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from octo.core.contract import Postconditions, Preconditions
from octo.core.settings import Advanced, Settings

LONGEST_DESCRIPTION: Final = 1000
"""What every model takes as the description of a tool."""


class Source:
    """What feeds a flow: a source with the settings of its type."""


class Chain:
    """A list of blocks."""


class FlowSettings(Settings):
    name: str = ""
    """What other flows and the command line call it by. A flow with a source may do without."""

    description: str | None = Field(None, max_length=LONGEST_DESCRIPTION)
    """What it does, for people and for models that use it as a tool."""

    source: Source | None = None
    """What brings its messages. Without one it runs when another flow or the command line calls it."""

    input: dict[str, Any] | None = None
    """JSON Schema of the bodies that it is made for; its expressions are checked against it, messages are not."""

    requires: Annotated[Preconditions, Advanced] = ()
    """What callers must see to. Tests that break it are wrong; generated messages keep it."""

    ensures: Annotated[Postconditions, Advanced] = ()
    """What the flow sees to whenever it completes."""

    mask: Annotated[tuple[str, ...], Advanced] = ()
    """Names of fields whose values are left out of traces, wherever in a body or variable they stand."""

    process: Chain | None = None
    """The blocks that a message runs through."""

    error: Chain | None = None
    """Runs when a block fails; its outcome is the outcome of the flow."""

    workers: Annotated[int, Advanced] = 256
    """Messages worked on at once; 1 keeps their order. Waiting is cheap: a worker is not a thread."""

    buffer: Annotated[int, Advanced] = 64
    """Messages that may wait for a worker. Without it as many as there are workers, at least 64."""

    pool: Annotated[int, Advanced] = 64
    """Branches that its composites may run at once."""


NAME: Final = "[A-Za-z_][A-Za-z0-9_]*"
"""What a variable may be called."""


class VariableSettings(Settings):
    name: str = Field(pattern=f"^{NAME}$")
    """Name of the environment variable. Settings use it as `${NAME}`, expressions as `env.NAME`."""

    default: str | float | bool | None = None
    """Its value where the environment has none, as text."""

    required: bool = False
    """Whether the configuration is refused where the environment has no value."""

    secret: bool | None = None
    """Whether its value is kept out of logs and traces. Default: its name decides."""
