"""What ends an event loop from inside does not end the coroutine that it runs."""

from __future__ import annotations

import asyncio
import sys

import pytest
import uvloop

from octo.cli.lasting import run


def interrupt():
    raise KeyboardInterrupt


async def leave():
    sys.exit(3)


ENDINGS = {
    "a callback that exits": lambda loop: loop.call_soon(sys.exit, 3),
    "a callback that interrupts": lambda loop: loop.call_soon(interrupt),
    "a timer that interrupts": lambda loop: loop.call_later(0, interrupt),
    "a task that exits": lambda loop: loop.create_task(leave()),
    "a stop": lambda loop: loop.stop(),
}


@pytest.mark.parametrize("factory", [asyncio.SelectorEventLoop, uvloop.Loop])
@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_it_goes_on(caplog, factory, ending):
    async def work():
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        kept = ending(loop)
        loop.call_later(0.01, ended.set_result, None)
        await ended
        return "done", kept

    with asyncio.Runner(loop_factory=factory) as runner:
        done, kept = run(work(), runner)
        if isinstance(kept, asyncio.Future):
            assert kept.exception().code == 3  # retrieved, so that asyncio does not log it

    assert done == "done"
    assert "tried to end the process, going on" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(2), KeyboardInterrupt(), RuntimeError("no"), ValueError("no")])
def test_its_own_error_is_raised(error):
    async def work():
        raise error

    with asyncio.Runner() as runner, pytest.raises(type(error)):
        run(work(), runner)
