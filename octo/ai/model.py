"""Models: what blocks ask of a connector of the family `llm`, and what a connector asks of a provider.

A block has a `Model`. It keeps budgets, limits and retries, and is the same for all providers (`octo.ai.llm.caller`).
Behind it is a `Wire`, one call of one provider, or a script in a test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from octo.ai.conversation import Ask, Piece, Reply, Usage

FAMILY = "llm"
"""The family of connectors that are models."""

Hear = Callable[[Piece], Awaitable[None]]
"""Takes the pieces of a reply in the order in which the model writes them."""

Vector = Sequence[float]


class Embedded(NamedTuple):
    """Vectors, one for each text, and what they have cost."""

    vectors: tuple[Vector, ...]
    usage: Usage = Usage()


class Model(Protocol):
    """A model that can be asked. Its calls count on all open budgets; see `octo.core.budget`."""

    @property
    def name(self) -> str:
        """The model, as its provider calls it."""
        ...

    async def ask(self, ask: Ask, hear: Hear | None = None) -> Reply:
        """Return the model's reply; `hear` gets it piece by piece while it is written. Ids of calls are unique.

        Raises `BudgetExceeded`, `Timeout`, `Overloaded` with the provider's Retry-After, `Transient` or `Permanent`.
        A reply that is a refusal or that was cut off is no error here: its `stop` says so.
        """
        ...

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None = None) -> Embedded:
        """Return a vector for each text. Raises as `ask` does, and `Permanent` if the provider has no embeddings."""
        ...


class Wire(Protocol):
    """One provider: sends one request and reads its answer, without retries, limits or budgets."""

    @property
    def model(self) -> str:
        """The model that it asks, as its provider calls it."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """The tokens of an answer, unless a request says otherwise; None for the model's own limit."""
        ...

    async def send(self, ask: Ask, hear: Hear | None) -> Reply:
        """Send a request; `usage.money` stays None.

        Raises `Overloaded` (429, 503, 529; with `retry_after`), `NotConnected`, `Timeout`, `Transient` (other 5xx, a
        stream that was cut, an answer that is not what the API promises) or `Permanent` (any other status), with
        `status` where there was one.
        """
        ...

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None) -> Embedded:
        """Send texts to be embedded. Raises as `send` does, and `Permanent` if the provider cannot."""
        ...


Prices = Callable[[str, Usage], float | None]
"""The dollars that a call of a model costs; None if nobody knows."""

Details = Mapping[str, object]
"""What a block tells of its calls, as `vars.ai`."""
