"""The pool: the limit on branches that the concurrent composites of one flow run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from octo.core.flow import Drop, Outcome, Result, Stop
from octo.core.message import Message


class Pool:
    """A number of helper tasks that composites borrow.

    Invariant: the caller of `gather` works itself, and helpers only speed it up. So with an exhausted pool branches run
    one after the other; no task ever waits for a helper, so there is no deadlock.
    """

    def __init__(self, size: int) -> None:
        self.free = size

    def gather(
        self, calls: Iterable[Callable[[], Result]], limit: int | None = None, *, to_stop: bool = False
    ) -> list[Outcome] | Awaitable[list[Outcome]]:
        """See `octo.core.block.Pool`. `limit` counts the caller: 1 means one after the other."""
        rest = enumerate(calls)
        outcomes: list[Outcome] = []
        for _, call in rest:
            result = call()
            if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
                outcomes.append(result)
                if to_stop and result.__class__ is Stop:
                    break
            else:
                return self._gather(result, rest, outcomes, limit, to_stop)  # type: ignore[arg-type]
        return outcomes

    async def _gather(
        self,
        first: Awaitable[Outcome],
        rest: Iterator[tuple[int, Callable[[], Result]]],
        outcomes: list[Outcome],
        limit: int | None,
        to_stop: bool,
    ) -> list[Outcome]:
        results: dict[int, Outcome] = {}
        has_stopped = False
        calls = list(rest)
        queue = iter(calls)
        helpers = min(len(calls), self.free, len(calls) if limit is None else limit - 1)

        def note(outcome: Outcome) -> Outcome:
            nonlocal has_stopped
            has_stopped = has_stopped or (to_stop and outcome.__class__ is Stop)
            return outcome

        async def work() -> None:
            for index, call in queue:
                if has_stopped:
                    return
                result = call()
                results[index] = note(result if isinstance(result, Outcome) else await result)

        self.free -= helpers
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(helpers):
                    group.create_task(work())
                outcomes.append(note(await first))
                await work()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors.exceptions[0].__cause__
        finally:
            self.free += helpers
        return outcomes + [results[index] for index, _ in calls if index in results]
