"""The keys of a flow file that belong to no component, as settings models: the keys of a flow and of a variable.

Each is declared here and nowhere else. The configuration reads them, the catalogue and the JSON Schema show them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.core.budget import Budget
from octo.core.contract import Postconditions, Preconditions
from octo.core.settings import Advanced, Settings

LONGEST_DESCRIPTION: Final = 1000
"""Characters of a tool's description that every model accepts."""


Durability = Literal["memory", "ack", "journal"]
"""What of a flow's messages outlives the process."""


JOURNAL_SERVICES: Final = ("key-value", "leases")
"""What `durability: journal` needs."""


class Source:
    """What feeds a flow: a source with the settings of its type."""


class Chain:
    """A list of blocks."""


class DeadLetters(Settings):
    """Where messages go that the flow fails for good: one of the three."""

    queue: str | None = Field(None, min_length=1, max_length=512)
    """A queue of the runtime. Another flow may take them from it, with the failure in `vars.deadLetter`."""

    file: str | None = Field(None, min_length=1)
    """A file with one line of JSON for each, beside the flow files. Octo creates it."""

    flow: str | None = Field(None, min_length=1)
    """A flow that gets the message as it came, with the failure in `vars.deadLetter`."""

    @model_validator(mode="after")
    def _is_one(self) -> DeadLetters:
        if sum(each is not None for each in (self.queue, self.file, self.flow)) != 1:
            raise PydanticCustomError("deadLetter", "write exactly one of `queue`, `file` and `flow`")
        return self

    @field_validator("file")
    @classmethod
    def _is_no_flow_file(cls, file: str | None) -> str | None:
        if file is not None and file.lower().endswith((".yaml", ".yml")):
            raise PydanticCustomError("file", "letters are lines of JSON, and no YAML: write e.g. `dead-letters.jsonl`")
        return file


class FlowSettings(Settings):
    name: str = ""
    """Other flows and the command line call the flow by this name. A flow with a source needs none."""

    description: str | None = Field(None, max_length=LONGEST_DESCRIPTION)
    """What the flow does, for people and for models that use it as a tool."""

    source: Source | None = None
    """What brings the flow's messages. Without a source it runs when another flow or the command line calls it."""

    input: dict[str, Any] | None = None
    """JSON Schema of the bodies that the flow is made for. Its expressions are checked against it, and the bodies of
    HTTP requests: one that does not fit is answered with 422. What other flows send is not checked."""

    requires: Annotated[Preconditions, Advanced] = ()
    """What callers must ensure. A test that breaks it is wrong; generated messages satisfy it."""

    ensures: Annotated[Postconditions, Advanced] = ()
    """What the flow guarantees whenever it completes."""

    mask: Annotated[tuple[str, ...], Advanced] = ()
    """Names of fields whose values are left out of traces, wherever they are in a body or variable."""

    process: Chain | None = None
    """The blocks that a message runs through."""

    error: Chain | None = None
    """Runs when a block fails; its outcome is the outcome of the flow."""

    dead_letter: DeadLetters | None = None
    """Where messages go that fail for good and that no error chain handles. Default: a `queue` source keeps them in its
    queue, other sources do with them what their pages say."""

    durability: Durability = "ack"
    """What of a message outlives the process. `memory`: its source hears of success before the flow runs, and what is
    under way is lost with the process. `ack`: its source hears of success once the flow has completed. `journal`: what
    finished blocks have done is kept as well, and after a crash the flow goes on behind them, with the files that it
    began with."""

    budget: Budget | None = None
    """What the models and tools of a message may cost, together with those of all flows that it calls. Past a limit the
    flow fails with `BudgetExceeded`."""

    workers: Annotated[int, Advanced] = 256
    """Messages worked on at once; 1 keeps their order. Waiting is cheap: a worker is not a thread."""

    buffer: Annotated[int, Advanced] = 64
    """Messages that may wait for a worker. Default: as many as there are workers, at least 64."""

    pool: Annotated[int, Advanced] = 64
    """Branches that its composite blocks may run at once."""


NAME: Final = "[A-Za-z_][A-Za-z0-9_]*"
"""What a variable may be called."""


class VariableSettings(Settings):
    name: str = Field(pattern=f"^{NAME}$")
    """Name of the environment variable. Settings use it as `${NAME}`, expressions as `env.NAME`."""

    default: str | float | bool | None = None
    """Its value where the environment sets none, as text."""

    required: bool = False
    """Whether Octo refuses the configuration where the environment sets no value."""

    secret: bool | str | None = None
    """Whether Octo keeps its value out of logs and traces, and looks for it in the place of secrets, if one is chosen.
    A text is what the secret is called there, e.g. `db-password`. Default: the name of the variable decides."""
