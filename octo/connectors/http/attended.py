"""Work that is cancelled when its client goes away.

Most flows never wait, and nothing is set up for them: the client is watched only from the moment when the work first
suspends. The work goes on in the same task, because its timeouts and task groups belong to that task.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from octo.connectors.http.call import Proto

T = TypeVar("T")


class Disconnected(Exception):
    """The client has gone away, and the work for it was cancelled."""


async def attended(work: Awaitable[T], proto: Proto, is_kept: Callable[[], bool] = lambda: False) -> T:
    """Return the result of the work. Raises `Disconnected` once the client closes its connection.

    is_kept: whether the work goes on without the client, asked when it has closed its connection.
    """
    steps: Any = work.__await__()
    try:
        waiting = steps.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]
    return await _watched(steps, waiting, proto, is_kept)  # type: ignore[no-any-return]


async def _watched(steps: Any, waiting: Any, proto: Proto, is_kept: Callable[[], bool]) -> Any:
    task = asyncio.current_task()
    assert task is not None
    gone = over = False

    def leave(_: object) -> None:
        nonlocal gone
        # The notice may come in the moment in which the work ends by itself.
        if not over and not is_kept():
            gone = True
            task.cancel()

    watch = proto.client_disconnect()
    watch.add_done_callback(leave)
    try:
        return await _resumed(steps, waiting)
    except asyncio.CancelledError:
        if gone:
            raise Disconnected from None
        raise
    finally:
        over = True
        watch.remove_done_callback(leave)
        watch.cancel()


@types.coroutine
def _resumed(steps: Any, waiting: Any) -> Generator[Any, Any, Any]:
    """Go on with work that has already yielded the first thing it waits for."""
    try:
        while True:
            try:
                value = yield waiting
            except BaseException as error:  # noqa: BLE001  the work must get a cancellation too
                waiting = steps.throw(error)
            else:
                waiting = steps.send(value)
    except StopIteration as finished:
        return finished.value
