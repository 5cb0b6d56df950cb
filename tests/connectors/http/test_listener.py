"""Listeners: opened once per address, passed from one generation to the next, never closed in between."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from contextlib import AsyncExitStack

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization

from octo.connectors.http import Http, Route, Server, listener, worker
from octo.core.errors import OctoError, Transient
from octo.testing.clock import virtual


def server(port=0, **settings):
    return Server.model_validate({"host": "127.0.0.1", "port": port, **settings})


async def get(port, path="/", tls=None):
    async with aiohttp.ClientSession() as client:
        url = f"{'https' if tls else 'http'}://localhost:{port}{path}"
        async with client.get(url, ssl=tls or True) as response:
            return response.status, await response.text()


def saying(inlet, word):
    return inlet(lambda message: message.with_body(word))


@pytest.mark.parametrize(
    ("pid", "said"),
    [
        (1, "process 1 (init); stop that process, or choose another `port` or `octo run --port`"),
        (os.getpid(), "this process, e.g. for its operations port; choose another `port`"),
    ],
    ids=["another process", "this process"],  # the name of a test must be the same in every process
)
async def test_a_busy_port_says_so_and_what_to_do(monkeypatch, pid, said):
    """Whose port it is decides that."""
    monkeypatch.setattr(listener, "holder", lambda port: f"process {pid} (init)")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OctoError) as caught:
            async with Http.open(server(port)):
                pass

    assert caught.value.code == "OCTO-H101"
    assert str(caught.value) == f"127.0.0.1:{port} is in use by {said}"


async def test_a_port_that_this_process_has_itself_says_so(port):
    """Nobody should be told to stop the process that is just starting."""
    async with Http.open(Server(host="0.0.0.0", port=port)):
        with pytest.raises(OctoError, match=f"is in use by this process, which listens at 0.0.0.0:{port}; give both"):
            async with Http.open(server(port)):
                pass


async def test_an_address_that_is_not_ours_says_so():
    """With the reason that the operating system gives."""
    with pytest.raises(OctoError, match=r"cannot listen at 192\.0\.2\.1:8080") as caught:
        async with Http.open(Server.model_validate({"host": "192.0.2.1", "port": 8080})):
            pass

    assert caught.value.code == "OCTO-H102"


async def test_a_new_generation_takes_the_listener_over(inlet, port):
    """Open the new connector, swap the routes, close the old one: the address never closes."""
    async with AsyncExitStack() as new_generation:
        async with AsyncExitStack() as old_generation:
            old = await old_generation.enter_async_context(Http.open(server(port)))
            await old_generation.enter_async_context(old.route(Route(path="/"), saying(inlet, "old")))
            async with aiohttp.ClientSession() as client:
                url = f"http://127.0.0.1:{port}/"
                async with client.get(url) as response:
                    assert await response.text() == '"old"'
                settings = server(port, cors={"allowedOrigins": ["*"]})
                new = await new_generation.enter_async_context(Http.open(settings))
                await new_generation.enter_async_context(new.route(Route(path="/"), saying(inlet, "new")))
                async with client.get(url, headers={"Origin": "http://a"}) as response:
                    assert await response.text() == '"new"'
                    assert response.headers["access-control-allow-origin"] == "*"

        assert await get(port) == (200, '"new"')
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(port)


async def test_a_new_generation_that_fails_leaves_the_old_one_serving(inlet, port):
    """When the newer registration leaves, the older one serves again."""
    async with Http.open(server(port)) as old, old.route(Route(path="/"), saying(inlet, "old")):
        async with (
            Http.open(server(port, maxHeaderBytes=9000)) as new,
            new.route(Route(path="/"), saying(inlet, "new")),
        ):
            pass

        assert await get(port) == (200, '"old"')


async def test_no_request_fails_while_limits_change(inlet, port):
    """A worker with the new limits stands beside the old one on the same socket, then the old one stops."""
    going = True
    answers = []

    async def load():
        while going:
            answers.append(await get(port))

    async with AsyncExitStack() as current:
        http = await current.enter_async_context(Http.open(server(port)))
        await current.enter_async_context(http.route(Route(path="/"), saying(inlet, 0)))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(load())
            for generation in range(1, 6):
                fresh = AsyncExitStack()
                http = await fresh.enter_async_context(Http.open(server(port, maxHeaderBytes=9000 + generation)))
                await fresh.enter_async_context(http.route(Route(path="/"), saying(inlet, generation)))
                await current.aclose()
                current.push_async_exit(fresh)
                seen = len(answers)
                while len(answers) < seen + 8:
                    await asyncio.sleep(0)
            going = False

    assert {status for status, _ in answers} == {200}
    assert {text for _, text in answers} >= {"1", "5"}


async def test_a_connection_that_is_accepted_as_its_worker_stops_is_answered(inlet, port, monkeypatch):
    """The loop gives it a transport only in its next turn."""
    loop, stops = asyncio.get_running_loop(), []
    accept = loop._accept_connection
    monkeypatch.setattr(loop, "_accept_connection", lambda *given: (accept(*given), *(stop() for stop in stops)))
    async with Http.open(server(port)) as http, http.route(Route(path="/"), saying(inlet, 1)):
        (worker,) = http._dispatch._workers.values()
        stops.append(worker.stop)

        assert await get(port) == (200, "1")


async def test_an_address_can_be_opened_again_at_once(inlet, port):
    """A closed listener leaves nothing behind."""
    for word in range(5):
        async with Http.open(server(port)) as http, http.route(Route(path="/"), saying(inlet, word)):
            assert await get(port) == (200, str(word))


async def test_an_address_can_be_opened_while_it_is_being_closed(inlet, port):
    """A connector that is removed and comes back at once does not find its own port in use."""
    for word in range(5):
        closing = AsyncExitStack()
        await closing.enter_async_context(Http.open(server(port)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(closing.aclose())
            await asyncio.sleep(0)
            async with Http.open(server(port)) as http, http.route(Route(path="/"), saying(inlet, word)):
                assert await get(port) == (200, str(word))


async def test_connectors_on_port_0_get_a_port_each():
    """Port 0 is not one address."""
    async with Http.open(server()) as one, Http.open(server()) as other:
        assert one.port != other.port
        assert one.url == f"http://127.0.0.1:{one.port}"


async def test_host_and_port_come_from_the_environment(monkeypatch, port):
    """If the settings do not have them."""
    monkeypatch.setenv("HTTP_HOST", "127.0.0.1")
    monkeypatch.setenv("HTTP_PORT", str(port))
    async with Http.open(Server()) as http:
        assert http.url == f"http://127.0.0.1:{port}"


async def test_closing_does_not_wait_for_clients_that_say_nothing(monkeypatch):
    """Browsers connect in advance, and half a request is no request."""
    monkeypatch.setattr(worker, "PATIENCE", 0.05)
    async with asyncio.timeout(9):  # the server alone would wait 10 s for the headers
        async with Http.open(server()) as http:
            _, silent = await asyncio.open_connection("127.0.0.1", http.port)
            _, half = await asyncio.open_connection("127.0.0.1", http.port)
            half.write(b"GET / HT")
            await half.drain()
            await get(http.port)
    silent.close()
    half.close()


async def test_https(inlet, tmp_path, certificate):
    """With the certificate's own trust."""
    files = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=files["cert"])
    async with Http.open(server(tls=files)) as http, http.route(Route(path="/"), saying(inlet, "safe")):
        assert await get(http.port, tls=trust) == (200, '"safe"')
        assert http.url.startswith("https://")


async def test_a_client_of_https_that_leaves_ends_its_flow_without_a_warning(inlet, tmp_path, certificate, caplog):
    """TLS says that the client leaves, as the end of a plain connection does."""
    files = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=files["cert"])
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait(message):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async with Http.open(server(tls=files)) as http, http.route(Route(path="/"), inlet(wait)):
        _, writer = await asyncio.open_connection("127.0.0.1", http.port, ssl=trust, server_hostname="localhost")
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await entered.wait()
        writer.close()
        await left.wait()

    assert caplog.records == []


async def test_a_renewed_certificate_is_taken_up(inlet, tmp_path, certificate, port):
    """Same file names, new content: the new generation serves it, the old one answers what it has."""
    files = certificate(tmp_path)
    async with AsyncExitStack() as new_generation:
        async with Http.open(server(port, tls=files)) as old, old.route(Route(path="/"), saying(inlet, "old")):
            certificate(tmp_path)
            trust = ssl.create_default_context(cafile=files["cert"])
            new = await new_generation.enter_async_context(Http.open(server(port, tls=files)))
            await new_generation.enter_async_context(new.route(Route(path="/"), saying(inlet, "new")))

        assert await get(port, tls=trust) == (200, '"new"')


@pytest.mark.parametrize("broken", ["missing", "swapped", "garbage"])
async def test_an_unusable_certificate_says_so(tmp_path, certificate, broken):
    """Before the server starts with it."""
    files = certificate(tmp_path)
    if broken == "missing":
        (tmp_path / "key.pem").unlink()
    elif broken == "swapped":
        files = {"cert": files["key"], "key": files["cert"]}
    else:
        (tmp_path / "cert.pem").write_text("no certificate")

    with pytest.raises(OctoError, match="cannot use") as caught:
        async with Http.open(server(tls=files)):
            pass

    assert caught.value.code == "OCTO-H103"


def test_a_key_behind_a_password_is_an_error_and_not_a_question(tmp_path, certificate):
    """Even with a terminal: a server must not wait for a person to type the password."""
    files = certificate(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"typed")
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, locked))
    done = subprocess.run(
        [sys.executable, "-c", f"from octo.connectors.http.worker import *; check_certificate(**{files})"],
        input="typed\n",
        capture_output=True,
        text=True,
        start_new_session=True,  # without a terminal OpenSSL asks on the standard input
        timeout=60,
        check=False,
    )

    assert "OctoError: `tls`: cannot use" in done.stderr
    assert "pass phrase" not in done.stderr


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux only")
@pytest.mark.parametrize(("written", "seconds"), [({}, 900), ({"writeTimeout": "2s"}, 2)])
async def test_a_client_that_takes_nothing_has_a_limit(written, seconds):
    """Also one whose system answers, for which Linux waits without end by default."""
    async with Http.open(server(**written)) as http:
        limit = http._dispatch.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert limit == seconds * 1000


@virtual()
async def test_a_server_that_stops_waits_3_seconds_for_clients_that_say_nothing(caplog):
    """And logs that it left them behind."""
    caplog.set_level("INFO", logger="octo.http")
    stopping = object.__new__(worker.Worker)
    stopping._stopped = asyncio.Event()
    await stopping.stopped()

    assert asyncio.get_running_loop().time() == 3.0
    assert [record.fields for record in caplog.records] == [{"seconds": 3.0}]


async def test_the_log_names_every_endpoint(inlet, caplog):
    """So operators see at once where a flow can be reached."""
    caplog.set_level("INFO", logger="octo.http")
    async with Http.open(server(basePath="/api")) as http, http.route(Route(path="/x/{id}"), inlet(flow="orders")):
        url = http.url

    record = next(record for record in caplog.records if record.message == "http endpoint available")
    assert record.fields == {"pattern": "/api/x/{id}", "url": f"{url}/x/{{id}}", "flow": "orders"}


async def test_a_listener_that_lost_its_socket_is_not_healthy(site):
    """`/readyz` reports it; a connector that listens is healthy, with or without routes."""
    await site.http.health()
    site.http._dispatch.socket.shutdown(socket.SHUT_RDWR)

    with pytest.raises(Transient, match=rf"the socket at http://127.0.0.1:{site.port} no longer listens") as caught:
        await site.http.health()
    assert caught.value.code == "OCTO-H104"
