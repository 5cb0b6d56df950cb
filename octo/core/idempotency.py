"""The idempotency key of the block that runs: the same however often this step of this message is tried.

A flow with `durability: journal` gives each of its blocks one. A block that calls another system sends it along where
that system takes such a key, unless its author has chosen another: then a call that was repeated after a crash counts
once there.
"""

from __future__ import annotations

from contextvars import ContextVar
from hashlib import sha256

_key: ContextVar[str] = ContextVar("octo.idempotency", default="")


def idempotency_key() -> str:
    """32 hexadecimal characters; "" in a flow without a journal, where nothing identifies a step over a crash."""
    return _key.get()


def key_of(run: str, place: str) -> str:
    """The key of the step at this place of a run."""
    return sha256(f"{run}\0{place}".encode(errors="surrogatepass")).hexdigest()[:32]


enter = _key.set
leave = _key.reset
