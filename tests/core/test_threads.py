"""Threads for functions that block are apart for each user and bounded, and a hanging function costs only its own."""

import asyncio
import gc
import logging
import threading
import weakref

import pytest

from octo.core.errors import Overloaded
from octo.core.threads import Threads, hanging, threads_of

PATIENCE = 20


@pytest.fixture
def ends():
    """An event that releases every waiting thread after the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def hang(ends):
    """Starts calls that hang, and gives them up once they run."""

    def start(threads, times):
        for _ in range(times):
            runs = threading.Event()
            call = threads.submit(lambda runs=runs: (runs.set(), ends.wait(PATIENCE)))
            assert runs.wait(PATIENCE)
            assert not call.cancel()

    return start


def test_it_answers_what_the_function_answers_or_raises():
    """Even `SystemExit` is raised in the caller and does not end the thread."""
    threads = Threads("f", 2)
    assert threads.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)
    assert threads.submit(int, "ff", base=16).result(PATIENCE) == 255
    with pytest.raises(SystemExit):
        threads.submit(exit, 3).result(PATIENCE)


def test_nothing_is_left_of_a_function_that_raised():
    """Not even for the garbage collector, which in a service looks at young objects only."""

    class Odd(Exception):
        pass

    def fail():
        raise Odd

    gc.disable()
    try:
        error = Threads("f", 1).submit(fail).exception(PATIENCE)
        gone = weakref.ref(error)
        del error
        assert gone() is None
    finally:
        gc.enable()


def test_a_thread_that_is_free_is_used_again():
    threads = Threads("f", 8)
    found = set()
    for _ in range(5):
        found.add(threads.submit(threading.current_thread).result(PATIENCE))
        while not threads._idle:  # a thread becomes idle a moment after it has set the result
            pass
    assert len(found) == 1


def test_a_thread_that_has_nothing_to_do_ends(monkeypatch):
    monkeypatch.setattr("octo.core.threads.IDLE", 0.01)
    threads = Threads("f")
    thread = threads.submit(threading.current_thread).result(PATIENCE)
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert threads.submit(threading.current_thread).result(PATIENCE) is not thread


def test_a_process_ends_without_a_thread_that_does_not():
    """The threads are daemons."""
    assert Threads("f", 1).submit(lambda: threading.current_thread().daemon).result(PATIENCE)


def test_calls_wait_when_all_threads_are_busy(ends):
    threads = Threads("f", 2)
    busy = [threads.submit(ends.wait, PATIENCE) for _ in range(2)]
    late = threads.submit(threading.active_count)
    given_up = threads.submit(pytest.fail)

    assert given_up.cancel()
    assert not late.done()
    ends.set()
    assert [each.result(PATIENCE) for each in busy] == [True, True]
    assert late.result(PATIENCE)
    assert threads.lost == 0


def test_a_loop_closes_without_the_function_that_hangs(ends):
    """Its result comes too late, and does no harm."""
    threads = Threads("f", 1)

    async def late():
        async with asyncio.timeout(0.01):
            await asyncio.get_running_loop().run_in_executor(threads, ends.wait, PATIENCE)

    with pytest.raises(TimeoutError):
        asyncio.run(late())
    ends.set()
    while threads.lost:
        pass
    assert threads.submit(int).result(PATIENCE) == 0


def test_a_thread_whose_caller_has_given_up_is_replaced(ends, hang, caplog):
    """Also for a call that already waits for a thread. The log says so."""
    threads = Threads("f.call", 1)
    runs = threading.Event()
    hanging = threads.submit(lambda: (runs.set(), ends.wait(PATIENCE)))
    runs.wait(PATIENCE)
    waiting = threads.submit(divmod, 7, 2)
    with caplog.at_level(logging.WARNING):
        hanging.cancel()

    assert waiting.result(PATIENCE) == (3, 1)
    assert threads.lost == 1
    [line] = [each.fields for each in caplog.records]
    assert line == {"path": "f.call", "hanging": 1, "most": 1}


def test_a_user_is_refused_at_once_when_as_many_threads_are_lost_as_may_be(hang):
    threads = Threads("f.call", 2)
    hang(threads, 2)

    with pytest.raises(Overloaded, match=r"2 threads of f\.call hang in calls that nobody waits for any more"):
        threads.submit(int)


def test_a_function_that_returns_late_is_lost_no_more(ends, hang):
    threads = Threads("f", 2)
    hang(threads, 2)
    ends.set()
    while threads.lost:
        pass

    assert threads.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)


def test_a_call_is_lost_once():
    """However often its caller gives up, and never after it has ended."""
    threads = Threads("f")
    runs, ends = threading.Event(), threading.Event()
    call = threads.submit(lambda: (runs.set(), ends.wait(PATIENCE)))
    runs.wait(PATIENCE)
    call.cancel(), call.cancel()
    assert threads.lost == 1
    ends.set()
    call.result(PATIENCE)
    call.cancel()
    while threads.lost:
        pass
    assert threads.lost == 0


def test_users_have_threads_of_their_own(hang):
    """The same user finds its threads again, as a block does after a reload."""
    first, second = threads_of("test.first"), threads_of("test.second")
    hang(first, 1)

    assert threads_of("test.first") is first is not second
    assert second.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)
    assert {user: each.lost for user, each in hanging().items() if user.startswith("test.")} == {"test.first": 1}


def test_a_system_that_allows_no_more_threads_is_an_overload(monkeypatch):
    """The message fails at once and never runs, and the process goes on."""

    def refuse(_):
        raise RuntimeError("can't start new thread")

    threads, ran = Threads("f", 1), []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(Overloaded, match="cannot start a thread"):
        threads.submit(ran.append, "refused")
    monkeypatch.undo()
    threads.submit(ran.append, "taken").result(PATIENCE)
    assert ran == ["taken"]
