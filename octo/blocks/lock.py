"""lock: one message at a time, in all processes that share the services."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from octo.core.block import block
from octo.core.durations import Duration
from octo.core.errors import Permanent, Timeout
from octo.core.expressions import Expr
from octo.core.flow import Outcome, at_last
from octo.core.held import holding, holds
from octo.core.message import Message
from octo.core.settings import Advanced, Settings
from octo.core.sockets import Always, Steps
from octo.core.state import State
from octo.services.leasing import held
from octo.services.ports import Leases


class Lock(Settings):
    key: Expr[str]
    """Name of the lock, e.g. `"account/" + body.account`. Messages with other names do not wait for each other."""
    process: Annotated[Steps, Always()]
    """Runs while the lock is held."""
    wait: Duration = timedelta(seconds=30)
    """How long to wait for the lock; 0 does not wait. After that the block fails with a `Timeout`."""
    token_var: Annotated[str, Advanced] = ""
    """Variable for the fencing token: a number that is greater for every later holder. A system that refuses smaller
    ones is safe from a holder that was cut off and does not know it."""
    lease: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """How soon another may have the lock when this process is gone. It is renewed while the chain runs."""

    def shape_after(self, before: State) -> State:
        before.of(self.key)
        within = before.without_var(self.token_var) if self.token_var else before
        return within.chain(self.process)


@block("lock")
async def lock(settings: Lock, message: Message, leases: Leases) -> Outcome:
    """Run a chain while no other message with the same key does so, here or in another process.

    If the lock is lost because it could not be renewed, the chain is cancelled and the block fails. Inside of its
    chain, and of the flows that this calls, a lock with the same key fails at once: it would wait for itself.
    """
    name, ttl = settings.key(message), settings.lease.total_seconds()
    wait = settings.wait.total_seconds()
    if holds(name):
        raise Permanent(
            f"the message holds the lock {name[:80]!r} already, and would wait for itself: leave the inner `lock` out, "
            "or give it another key",
            code="OCTO-R113",
        )
    lease = await leases.acquire(f"lock/{name}", ttl, wait=wait)
    if lease is None:
        raise Timeout(f"the lock {name[:80]!r} was not free within {wait:g}s")
    inner = message.with_var(settings.token_var, lease.token) if settings.token_var else message
    async with held(leases, lease, ttl):
        with holding(name):
            return await at_last(settings.process(inner))
