"""The pool: the limit on branches that the concurrent composites of one flow run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from octo.core.flow import Drop, Outcome, Result
from octo.core.message import Message


class Pool:
    """A number of helper tasks that composites borrow.

    Invariant: the caller of `gather` works itself, and helpers only speed it up. So with an exhausted pool branches run
    one after the other; no task ever waits for a helper, so there is no deadlock.
    """

    def __init__(self, size: int) -> None:
        self.free = size

    def gather(
        self, calls: Iterable[Callable[[], Result]], limit: int | None = None
    ) -> list[Outcome] | Awaitable[list[Outcome]]:
        """See `octo.core.block.Pool`. `limit` counts the caller: 1 means one after the other."""
        rest = enumerate(calls)
        outcomes: list[Outcome] = []
        for _, call in rest:
            result = call()
            if result.__class__ is Message or result.__class__ is Drop:
                outcomes.append(result)
            else:
                return self._gather(result, rest, outcomes, limit)  # type: ignore[arg-type]
        return outcomes

    async def _gather(
        self,
        first: Awaitable[Outcome],
        rest: Iterator[tuple[int, Callable[[], Result]]],
        outcomes: list[Outcome],
        limit: int | None,
    ) -> list[Outcome]:
        results: dict[int, Outcome] = {}
        calls = list(rest)
        queue = iter(calls)
        helpers = min(len(calls), self.free, len(calls) if limit is None else limit - 1)

        async def work() -> None:
            for index, call in queue:
                result = call()
                done = result.__class__ is Message or result.__class__ is Drop
                results[index] = result if done else await result  # type: ignore[assignment,misc]

        self.free -= helpers
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(helpers):
                    group.create_task(work())
                outcomes.append(await first)
                await work()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors.exceptions[0].__cause__
        finally:
            self.free += helpers
        return outcomes + [results[index] for index, _ in calls]
