"""A bad day: the process is killed, the broker restarts, falls silent, or does not let it in."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time

import aiomqtt
import pytest

from octo.connectors.mqtt import Mqtt
from octo.core.errors import OctoError
from octo.core.flow import Failure
from octo.testing import check_connector, running
from octo.testing.mosquitto import Mosquitto
from octo.testing.servers import free_port

from .conftest import until

WORKS = """
connectors: [{name: m, type: mqtt, settings: {url: "URL", keepalive: 2s}}]
flows:
  - name: work
    source: {connector: m, type: mqtt, settings: {topics: ["w/#"], qos: QOS}}
    process: [BEFORE {type: log, message: '"done " + string(body)'}]
"""
SLOWLY = "{type: log, message: '\"begun \" + string(body)'}, {type: delay, for: 60s},"


@pytest.fixture
def own():
    """A broker that this test may kill."""
    with Mosquitto.started() as running:
        yield running


@pytest.fixture
def run(octo, tmp_path):
    def start(url, before="", qos=1):
        path = tmp_path / f"{free_port()}.yaml"
        path.write_text(WORKS.replace("URL", url).replace("BEFORE", before).replace("QOS", str(qos)))
        admin = free_port()
        process = octo("run", str(path), "--admin-addr", f"127.0.0.1:{admin}", "--services", f"sqlite:{tmp_path}/o.db")
        process.admin = f"http://127.0.0.1:{admin}/readyz"
        return process

    return start


def wait(holds):
    end = time.monotonic() + 90
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def publish(broker, *bodies, qos=1):
    """As another program: the broker has them when this returns."""

    async def send():
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            for body in bodies:
                await client.publish("w/a", str(body), qos=qos)

    asyncio.run(send())


def subscribed(process, broker):
    """Wait until the source has subscribed."""
    number = 0
    while "done first" not in process.log and "begun first" not in process.log:
        publish(broker, "first")
        number += 1
        time.sleep(0.1)


# --- the process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [1, 2])
def test_what_a_killed_process_had_begun_comes_to_the_next(own, run, qos):
    killed = run(own.url, SLOWLY, qos)
    subscribed(killed, own)
    publish(own, *range(10), qos=qos)
    killed.wait_for("begun [0-9]", 10)
    killed.stop(signal.SIGKILL)

    next_one = run(own.url, "", qos)
    wait(lambda: all(f'"done {number}"' in next_one.log for number in range(10)))


# --- the broker --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_broker_that_restarts_is_noticed_and_used_again(own, run, http, how):
    """One that is killed has forgotten the subscription; the source subscribes again."""
    process = run(own.url)
    subscribed(process, own)
    getattr(own, how)()
    wait(lambda: http(process.admin)[0] == 503)

    own.start()
    wait(lambda: http(process.admin)[0] == 200)
    wait(lambda: publish(own, 2) or "done 2" in process.log)
    assert "Traceback" not in process.log


def test_a_broker_that_falls_silent_is_noticed_and_used_again(own, run, http):
    """As in a black hole: no connection ends, and nothing comes."""
    process = run(own.url)
    subscribed(process, own)
    own.pause()
    try:
        _, why = wait(lambda: (found := http(process.admin))[0] == 503 and found)
        assert 'connector "m"' in why
    finally:
        own.resume()

    wait(lambda: http(process.admin)[0] == 200)
    wait(lambda: publish(own, 2) or "done 2" in process.log)
    assert "Traceback" not in process.log


async def test_that_another_client_may_have_its_id_is_told(own, plugins, caplog):
    """Each takes the connection from the other; it is no storm, and afterwards all goes on."""
    flow = WORKS.replace("URL", own.url).replace("BEFORE", "").replace("QOS", "1")
    async with running(flow, plugins) as app:
        sessions = app.connector("m")._sessions
        await until(lambda: sessions and all(each.is_read for each in sessions.values()))
        (name,) = sessions
        async with aiomqtt.Client("127.0.0.1", own.port, identifier=name):
            (lost,) = await until(lambda: [each for each in caplog.records if each.message == "connection lost"])
        assert lost.fields["error"].endswith(f"another client has the id {name!r}")
        again = await until(lambda: isinstance(found := app.connector("m"), Mqtt) and found)
        await until(lambda: again._sessions and all(each.is_read for each in again._sessions.values()))


def publishing(settings="", **broker):
    """A flow that publishes, with these settings of the connector."""
    text = "\n".join(f"      {name}: {value}" for name, value in broker.items())
    block = f"{{type: mqtt-publish, connector: m, settings: {{topic: '\"x\"', {settings}}}}}".replace(", }", "}")
    return f"connectors:\n  - name: m\n    type: mqtt\n    settings:\n{text}\nflows: [{{name: f, process: [{block}]}}]"


async def test_a_block_fails_for_a_while_when_the_broker_is_gone(own, plugins):
    async with running(publishing(url=own.url), plugins) as app:

        async def works():
            """Whether it does; what it fails with may pass."""
            await asyncio.sleep(0.05)
            try:
                await app.call("f", 1)
            except Failure as error:
                return not error.cause.retryable
            return True

        async with asyncio.timeout(60):
            assert await works()
            own.kill()
            while await works():
                pass
            own.start()
            while not await works():
                pass


# --- getting in --------------------------------------------------------------------------------------------------


async def refusal(plugins, **settings):
    """Why a connector with these settings does not open."""
    with pytest.raises(OctoError) as caught:
        async with running(publishing(**settings), plugins):
            pass
    return caught.value


class Guarded(Mosquitto):
    """Lets in who has the right password, and allows to publish on `x` alone."""

    def arguments(self):
        passwords = self.folder / "passwords"
        passwords.touch()
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), "octo", "s3cret-pass"], check=True)
        (self.folder / "rules").write_text("user octo\ntopic write x\n")
        self.more = (
            f"allow_anonymous false\npassword_file {passwords}\nacl_file {self.folder}/rules\nmax_packet_size 5000"
        )
        return super().arguments()


@pytest.fixture
def guarded():
    with Guarded.started() as running:
        yield running


async def test_a_wrong_password_is_told_without_it(guarded, plugins):
    error = await refusal(plugins, url=f"mqtt://octo:wrong-password@{guarded.address}")

    assert "check the credentials of the connector" in str(error)
    assert "wrong-password" not in str(error)


async def test_the_right_password_is_let_in_from_either_place(guarded, plugins):
    for settings in (
        {"url": f"mqtt://octo:s3cret-pass@{guarded.address}"},
        {"url": guarded.url, "username": "octo", "password": "s3cret-pass"},
    ):
        async with running(publishing(**settings), plugins) as app:
            await app.call("f", 1)
            await app.connector("m").health()


async def test_what_the_broker_refuses_is_told(guarded, plugins):
    url = f"mqtt://octo:s3cret-pass@{guarded.address}"
    async with running(publishing(url=url).replace('"x"', '"forbidden"'), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f", 1)
    assert (str(caught.value.cause), caught.value.cause.code) == (
        "publish on 'forbidden': the broker refuses it: Not authorized",
        "OCTO-M101",
    )


async def test_what_is_too_large_is_refused_clearly(guarded, plugins):
    async with running(publishing(url=f"mqtt://octo:s3cret-pass@{guarded.address}"), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f", "x" * 10_000)
        await app.call("f", 1)
    assert (str(caught.value.cause), caught.value.cause.code) == (
        "publish on 'x': 10,000 bytes, the broker allows 5,000",
        "OCTO-M102",
    )


async def test_nobody_there_is_told(plugins):
    error = await refusal(plugins, url=f"mqtt://127.0.0.1:{free_port()}")

    assert "Connection refused" in str(error)


@pytest.fixture
async def http_server():
    async def answer(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_what_is_no_broker_is_told(plugins, http_server):
    error = await refusal(plugins, url=f"mqtt://127.0.0.1:{http_server}")

    assert "cannot connect to the broker at 127.0.0.1" in str(error)


async def test_tls_that_the_broker_does_not_speak_is_suggested(plugins, broker):
    error = await refusal(plugins, url=f"mqtts://127.0.0.1:{broker.port}")

    assert str(error).endswith("; does the broker use TLS at this port?")


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def encrypted(tmp_path):
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *request, *names], cwd=tmp_path, check=True, capture_output=True)

    class Encrypted(Mosquitto):
        more = f"certfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem"

        def arguments(self):
            made = super().arguments()
            config = self.folder / "mosquitto.conf"
            lines = config.read_text().splitlines()
            config.write_text("\n".join([lines[0], *self.more.splitlines(), *lines[1:-2]]))
            return made

    with Encrypted.started() as running:
        yield running


async def test_a_broker_with_tls_is_trusted_by_its_authority_alone(encrypted, tmp_path, plugins):
    url = f"mqtts://127.0.0.1:{encrypted.port}"
    error = await refusal(plugins, url=url)
    assert "self-signed certificate; `tls.ca` names the authorities to trust" in str(error)

    async with running(publishing(url=url, tls=f"{{ca: {tmp_path}/cert.pem}}"), plugins) as app:
        await app.call("f", 1)


# --- conformance -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"key": "vars.topic", "qos": 2}])
async def test_it_conforms(own, plugins, more):
    async def feed(_):
        async with aiomqtt.Client("127.0.0.1", own.port) as client:
            await client.publish("w/a", b"1", qos=2)

    sources = {"mqtt": {"topics": ["w/#"], **more}}
    async with running(WORKS.replace("URL", own.url).replace("BEFORE", "").replace("QOS", "1"), plugins) as app:
        sessions = app.connector("m")._sessions  # the broker keeps messages for who has been there once
        await until(lambda: any(each.is_read for each in sessions.values()))
    await check_connector(
        Mqtt,
        {"url": own.url, "username": "octo", "password": "correct horse"},
        sources=sources,
        blocks={"mqtt-publish": {"topic": "'x'"}},
        feed={"mqtt": feed},
        triggers={"mqtt": {"body": 1}},
        message=1,
        patience=30.0,
        quiet=1.0,
    )
