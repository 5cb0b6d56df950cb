"""On a stop, every request in flight is answered; a deadline cancels the work; a kill leaves nothing behind."""

from __future__ import annotations

import asyncio
import signal
import socket

import aiohttp
import pytest
from aiohttp import web

FLOW = """
env: [{name: BACKEND}, {name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
  - {name: backend, type: http-client, settings: {baseURL: "${BACKEND}"}}
flows:
  - name: relay
    source: {connector: web, type: http, settings: {path: /relay}}
    process: [{type: rest, connector: backend, path: /slow}]
  - name: hurried
    source: {connector: web, type: http, settings: {path: /hurried, timeout: 100ms}}
    process: [{type: rest, connector: backend, path: /slow}]
  - name: health
    source: {connector: web, type: http, settings: {path: /health}}
    process: [{type: set-payload, value: '"ok"'}]
"""


class Backend:
    """An upstream that answers when the test says so, and notices clients that go away."""

    def __init__(self):
        self.go = asyncio.Event()
        self.waiting = 0
        self.left = 0

    async def slow(self, request):
        self.waiting += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        finally:
            self.waiting -= 1
        return web.json_response({"late": True})


@pytest.fixture
async def backend():
    upstream = Backend()
    application = web.Application()
    application.router.add_get("/slow", upstream.slow)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    yield upstream
    upstream.go.set()
    await runner.cleanup()


@pytest.fixture
def served(octo, port, backend, tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW)

    def start():
        return octo("run", "--config", str(path), BACKEND=backend.url, PORT=str(port))

    return start


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def get(session, port, path):
    async with session.get(f"http://127.0.0.1:{port}{path}") as response:
        return response.status, await response.read()


async def test_sigterm_answers_50_slow_requests_and_exits_0(served, port, backend):
    process = served()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        calls = [group.create_task(get(session, port, "/relay")) for _ in range(50)]
        await until(lambda: backend.waiting == 50)
        process.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait_for, "stopping")
        backend.go.set()

    assert [call.result()[0] for call in calls] == [200] * 50
    assert await asyncio.to_thread(process.ended) == 0


async def test_a_second_signal_ends_it_at_once(served, port, backend):
    process = served()
    async with aiohttp.ClientSession() as session:
        call = asyncio.get_running_loop().create_task(get(session, port, "/relay"))
        await until(lambda: backend.waiting == 1)
        process.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait_for, "stopping")

        assert await asyncio.to_thread(process.stop) == 1
        with pytest.raises(aiohttp.ClientError):
            await call


async def test_after_a_kill_it_starts_clean(served, port):
    process = served()
    assert await asyncio.to_thread(process.stop, signal.SIGKILL) == -9

    served()

    async with aiohttp.ClientSession() as session:
        assert await get(session, port, "/health") == (200, b'"ok"')


async def test_a_deadline_answers_504_and_the_upstream_sees_the_disconnect(served, port, backend):
    served()
    async with aiohttp.ClientSession() as session:
        status, body = await get(session, port, "/hurried")

    assert status == 504
    assert b"slow" not in body
    await until(lambda: backend.left == 1)


async def test_a_client_that_leaves_cancels_the_work(served, port, backend):
    served()
    async with aiohttp.ClientSession() as session:
        call = asyncio.get_running_loop().create_task(get(session, port, "/relay"))
        await until(lambda: backend.waiting == 1)
        call.cancel()

        await until(lambda: backend.left == 1)


# --- functions that never return ---------------------------------------------------------------------------------

HANGING = """
flows:
  - {name: hang, process: [{type: python, settings: {call: "hanging:hang"}}]}
"""
HANGS = """
import sys, threading
def hang():
    print("hanging", file=sys.stderr, flush=True)
    threading.Event().wait()
"""
CASE = """
flow: hang
cases: [{name: hangs, timeout: 200ms, expect: {body: 1}}]
"""


@pytest.fixture
def hanging(tmp_path):
    (tmp_path / "hanging.py").write_text(HANGS)
    (tmp_path / "hanging.yaml").write_text(HANGING)
    (tmp_path / "hanging_test.yaml").write_text(CASE)
    return "hanging.yaml"


def test_invoke_ends_when_its_time_is_up_whatever_a_function_does(command, hanging):
    code, _, err = command("invoke", hanging, "-f", "hang", "--timeout", "200ms")

    assert code == 4
    assert "did not finish within 0.2s" in err


def test_a_test_ends_when_everything_is_told_whatever_a_function_does(command, hanging):
    """It fails as it would if the function had waited without blocking."""
    code, out, _ = command("test", hanging)

    assert code == 1
    assert 'flow "hang" did not finish within 0.2s' in out


@pytest.mark.parametrize("arguments", [("invoke", "-f", "hang"), ("test",)])
def test_an_interrupt_ends_it_without_a_traceback(octo, hanging, arguments):
    verb, *rest = arguments
    process = octo(verb, hanging, *rest, ready=False)
    process.wait_for("hanging")

    assert process.stop(signal.SIGINT) in (1, 130)
    assert "Traceback" not in process.log
    assert "Exception ignored" not in process.log


def test_a_stop_while_a_database_does_not_answer_is_clean(octo, tmp_path):
    """At the start nothing runs yet that could be waited for: the exit code is 0 at once, not 1 after ten seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        path = tmp_path / "flow.yaml"
        path.write_text(
            "connectors: [{name: db, type: database, settings: {driver: postgres, queryTimeout: 1h,"
            f' dsn: "postgres://u@{address}/d?connect_timeout=3600"}}}}]\n'
            "flows: [{name: f, process: [{type: sql, connector: db, query: select 1}]}]\n"
        )
        process = octo("run", "--config", str(path), ready=False)
        connection, _ = silent.accept()
        with connection:
            assert process.stop() == 0
