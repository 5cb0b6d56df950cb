"""Threads for functions that block are shared and bounded, and the process does not wait for them to end."""

import asyncio
import threading

import pytest

from octo.blocks.threads import Threads

PATIENCE = 20


@pytest.fixture
def ends():
    """An event that releases every waiting thread after the test."""
    event = threading.Event()
    yield event
    event.set()


def test_it_answers_what_the_function_answers_or_raises():
    """Even `SystemExit` is raised in the caller and does not end the thread."""
    threads = Threads(2)
    assert threads.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)
    with pytest.raises(SystemExit):
        threads.submit(exit, 3).result(PATIENCE)


def test_a_thread_that_is_free_is_used_again():
    threads = Threads(8)
    found = set()
    for _ in range(5):
        found.add(threads.submit(threading.current_thread).result(PATIENCE))
        assert threads._idle.acquire(timeout=PATIENCE)  # a thread becomes idle a moment after it has set the result
        threads._idle.release()
    assert len(found) == 1


def test_a_process_ends_without_a_thread_that_does_not():
    """The threads are daemons."""
    assert Threads(1).submit(lambda: threading.current_thread().daemon).result(PATIENCE)


def test_calls_wait_when_all_threads_are_busy(ends):
    threads = Threads(2)
    busy = [threads.submit(ends.wait, PATIENCE) for _ in range(2)]
    late = threads.submit(threading.active_count)
    given_up = threads.submit(pytest.fail)

    assert given_up.cancel()
    assert not late.done()
    ends.set()
    assert [each.result(PATIENCE) for each in busy] == [True, True]
    assert late.result(PATIENCE)


def test_a_loop_closes_without_the_function_that_hangs(ends):
    """Its result comes too late, and does no harm."""
    threads = Threads(1)

    async def late():
        async with asyncio.timeout(0.01):
            await asyncio.get_running_loop().run_in_executor(threads, ends.wait, PATIENCE)

    with pytest.raises(TimeoutError):
        asyncio.run(late())
    ends.set()
    assert threads.submit(int).result(PATIENCE) == 0
