"""A bad day: the process is killed, the server restarts, falls silent, or does not let it in."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time

import nats as client
import pytest

from octo.connectors.nats import link
from octo.core.errors import OctoError
from octo.core.flow import Failure
from octo.testing import running
from octo.testing.nats import Nats
from octo.testing.servers import free_port

from .conftest import until

WORKS = """
connectors: [{name: n, type: nats, settings: {url: "URL"}}]
flows:
  - name: work
    source: {connector: n, type: nats-jetstream, settings: {stream: S, durable: d, create: true, lease: 2s}}
    process: [BEFORE {type: log, message: '"done " + string(body)'}]
  - name: hear
    source: {connector: n, type: nats, settings: {subject: heard}}
    process: [{type: log, message: '"heard " + string(body)'}]
"""
SLOWLY = "{type: log, message: '\"begun \" + string(body)'}, {type: delay, for: 60s},"


@pytest.fixture
def own():
    """A server that this test may kill."""
    with Nats.started() as running:
        yield running


@pytest.fixture
def run(octo, tmp_path):
    def start(url, before="", **options):
        path = tmp_path / f"{free_port()}.yaml"
        path.write_text(WORKS.replace("URL", url).replace("BEFORE", before))
        admin = free_port()
        process = octo("run", str(path), "--admin-addr", f"127.0.0.1:{admin}", **options)
        process.admin = f"http://127.0.0.1:{admin}/readyz"
        return process

    return start


def wait(holds):
    end = time.monotonic() + 90
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def publish(url, *bodies, subject="s.a"):
    """As another program: the stream has them when this returns."""

    async def send():
        connection = await client.connect(url)
        stream = connection.jetstream()
        if subject.startswith("s."):
            await stream.add_stream(name="S", subjects=["s.>"])
        for body in bodies:
            if subject.startswith("s."):
                await stream.publish(subject, str(body).encode())
            else:
                await connection.publish(subject, str(body).encode())
        await connection.drain()

    asyncio.run(send())


# --- the process -------------------------------------------------------------------------------------------------


def test_what_a_killed_process_had_begun_comes_to_the_next(own, run):
    publish(own.url, *range(10))
    killed = run(own.url, SLOWLY)
    killed.wait_for("begun", 10)
    killed.stop(signal.SIGKILL)

    next_one = run(own.url)
    wait(lambda: all(f'"done {number}"' in next_one.log for number in range(10)))


# --- the server --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_server_that_restarts_is_noticed_and_used_again(own, run, http, how):
    publish(own.url, 1)
    process = run(own.url)
    process.wait_for("done 1")
    getattr(own, how)()
    wait(lambda: http(process.admin)[0] == 503)

    own.start()
    wait(lambda: http(process.admin)[0] == 200)
    publish(own.url, 2)
    process.wait_for("done 2")
    wait(lambda: publish(own.url, 3, subject="heard") or "heard 3" in process.log)
    assert "Traceback" not in process.log


def test_a_server_that_falls_silent_is_noticed_and_used_again(own, run, http):
    """As in a black hole: no connection ends, and nothing comes."""
    publish(own.url, 1)
    process = run(own.url)
    process.wait_for("done 1")
    own.pause()
    try:
        _, why = wait(lambda: (found := http(process.admin))[0] == 503 and found)
        assert 'connector "n"' in why
    finally:
        own.resume()

    wait(lambda: http(process.admin)[0] == 200)
    publish(own.url, 2)
    process.wait_for("done 2")
    wait(lambda: publish(own.url, 3, subject="heard") or "heard 3" in process.log)
    assert "Traceback" not in process.log


def publishing(**settings):
    """A flow that publishes, with these settings of the connector."""
    text = "\n".join(f"      {name}: {value}" for name, value in settings.items())
    block = "{type: nats-publish, connector: n, subject: '\"x\"'}"
    return f"connectors:\n  - name: n\n    type: nats\n    settings:\n{text}\nflows: [{{name: f, process: [{block}]}}]"


async def test_a_block_fails_for_a_while_when_the_server_is_gone(own, plugins, monkeypatch):
    monkeypatch.setattr(link, "CONNECT", 2.0)
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


class Guarded(Nats):
    """Lets in who has the right credentials, and forbids to publish on `secret.>`."""

    more = ""

    def arguments(self):
        made = super().arguments()
        with (self.folder / "nats.conf").open("a") as config:
            config.write(self.more)
        return made


@pytest.fixture
def guarded():
    Guarded.more = """
authorization { users: [{user: octo, password: "s3cret-pass", permissions: {publish: {deny: "secret.>"},
  subscribe: {deny: "secret.>"}}}] }
"""
    with Guarded.started() as running:
        yield running


async def test_a_wrong_password_is_told_without_it(guarded, plugins):
    error = await refusal(plugins, url=f"nats://octo:wrong-password@{guarded.address}")

    assert "Authorization Violation; check the credentials of the connector" in str(error)
    assert "wrong-password" not in str(error)


async def test_the_right_password_is_let_in_from_either_place(guarded, plugins):
    for settings in (
        {"url": f"nats://octo:s3cret-pass@{guarded.address}"},
        {"url": guarded.url, "user": "octo", "password": "s3cret-pass"},
    ):
        async with running(publishing(**settings), plugins) as app:
            await app.call("f", 1)
            await app.connector("n").health()
            assert "s3cret" not in repr(app.connector("n"))


async def test_a_subject_that_is_forbidden_is_told(guarded, plugins):
    text = WORKS.replace("subject: heard", "subject: secret.a")
    async with running(
        text.replace("URL", f"nats://octo:s3cret-pass@{guarded.address}").replace("BEFORE", ""), plugins
    ) as app:
        broken = await until(lambda: app.generation.broken.get("hear"))
        assert "permissions violation for subscription to" in broken


async def test_nobody_there_is_told(plugins):
    error = await refusal(plugins, url=f"nats://127.0.0.1:{free_port()}")

    assert "Connection refused" in str(error)


async def test_what_is_no_nats_server_is_told(plugins, free_port, http_server):
    error = await refusal(plugins, url=f"nats://127.0.0.1:{http_server}")

    assert "cannot connect to NATS at 127.0.0.1" in str(error)


@pytest.fixture
async def http_server():
    async def answer(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *request, *names], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def encrypted(certificate):
    Guarded.more = f"""
tls {{ cert_file: "{certificate}/cert.pem", key_file: "{certificate}/key.pem" }}
authorization {{ token: "s3cret-token" }}
"""
    with Guarded.started() as running:
        yield running


async def test_a_server_with_tls_is_trusted_by_its_authority_alone(encrypted, certificate, plugins):
    url = f"tls://127.0.0.1:{encrypted.port}"
    error = await refusal(plugins, url=url, token="s3cret-token")
    assert "self-signed certificate; `tls.ca` names the authorities to trust" in str(error)

    tls = f"{{ca: {certificate}/cert.pem}}"
    async with running(publishing(url=url, token="s3cret-token", tls=tls), plugins) as app:
        await app.call("f", 1)


@pytest.mark.parametrize("asked", ["tls", "settings"])
async def test_nothing_is_sent_without_tls_that_was_asked_for(server, plugins, asked):
    """Also where there are no credentials: bodies are secret, too."""
    tls = {"url": f"tls://{server.address}"} if asked == "tls" else {"url": f"nats://{server.address}", "tls": {}}
    assert "the server does not offer TLS, and the settings ask for it" in str(await refusal(plugins, **tls))


async def test_credentials_are_not_sent_without_tls_that_was_asked_for(guarded, plugins):
    """Else whoever is on the path could say that the server has none, and read them."""
    error = await refusal(plugins, url=f"tls://octo:s3cret-pass@{guarded.address}")

    assert "the server does not offer TLS, and the settings ask for it" in str(error)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"nkey": "SUnonsense"}, "`nkey` is no seed of an NKey"),
        ({"credentials": "/nowhere.creds"}, "`credentials`: cannot read /nowhere.creds: No such file"),
        ({"credentials": "/etc/hostname"}, "has no JWT with its NKey"),
        ({"tls": "{ca: /nowhere.pem}"}, "`tls.ca`: cannot use /nowhere.pem: No such file"),
    ],
)
async def test_credentials_that_cannot_be_used_are_told(server, plugins, settings, told):
    assert told in str(await refusal(plugins, url=server.url, **settings))


async def test_an_nkey_is_let_in(plugins):
    import nkeys

    seed = nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    Guarded.more = f"\nauthorization {{ users: [{{nkey: {public}}}] }}\n"
    with Guarded.started() as server:
        async with running(publishing(url=server.url, nkey=seed.decode()), plugins) as app:
            await app.call("f", 1)
