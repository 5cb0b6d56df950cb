"""An upstream server on a real socket, and a connector that calls it."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from octo.connectors.http_client import Client, HttpClient, Rest, RestDynamic
from octo.core.message import Message


class Upstream:
    """Answers with what the function returns for a request, and keeps the requests."""

    def __init__(self) -> None:
        self.requests = []
        self.bodies = []
        self.answer = lambda request: web.json_response({"ok": True})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.requests.append(request)
        answer = self.answer(request)
        return await answer if hasattr(answer, "__await__") else answer

    def answers(self, *responses) -> None:
        """Give these answers one after the other, then the last one for ever. A number is a status."""
        waiting = list(responses)

        def next_(request):
            each = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(each, int):
                return web.Response(status=each, text=f"status {each}")
            return each(request) if callable(each) else each

        self.answer = next_


@pytest.fixture
async def start():
    """Starts further upstreams; returns the upstream, its url set."""
    servers = []

    async def run(tls: ssl.SSLContext | None = None) -> Upstream:
        upstream = Upstream()
        app = web.Application(client_max_size=1 << 28)
        app.router.add_route("*", "/{path:.*}", upstream.handle)
        server = TestServer(app, host="127.0.0.1", scheme="https" if tls else "http")
        await server.start_server(ssl=tls)
        servers.append(server)
        upstream.url = f"{server.scheme}://127.0.0.1:{server.port}"
        upstream.server = server
        return upstream

    yield run
    for server in servers:
        await server.close()


@pytest.fixture
async def upstream(start):
    return await start()


@pytest.fixture
def certificate(tmp_path):
    """A PEM file with a key and its certificate for `localhost`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "localhost.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem),
    )
    return file


@pytest.fixture
async def secure(start, certificate):
    """An upstream with that certificate; its url says `localhost`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    upstream = await start(context)
    upstream.url = upstream.url.replace("127.0.0.1", "localhost")
    return upstream


class Pauses(list):
    """A sleep that only notes the seconds."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Calls:
    """A client, and calls of a block on it."""

    def __init__(self, client: HttpClient) -> None:
        self.client = client
        self.caller = client._caller
        self.pauses = Pauses()
        self.caller.retries.sleep = self.pauses
        self.caller.retries.backoff = self.caller.retries.backoff._replace(chance=lambda: 0.0)

    async def rest(self, message: Message | None = None, **settings) -> Message:
        return await self.client.rest(Rest.model_validate(settings), message or Message())

    async def dynamic(self, message: Message | None = None, **settings) -> Message:
        return await self.client.dynamic(RestDynamic.model_validate(settings), message or Message())


@pytest.fixture
def calling(upstream):
    """Opens a client of the upstream with these settings."""

    @asynccontextmanager
    async def opened(**settings):
        async with HttpClient.open(Client.model_validate({"baseURL": upstream.url, **settings})) as client:
            yield Calls(client)

    return opened


@pytest.fixture
async def calls(calling):
    """A client with default settings."""
    async with calling() as calls:
        yield calls


class Raw:
    """Answers the n-th request with the n-th of these bytes, then for ever with the last. None resets the connection.

    heads: what it was asked, one text per request. connections: how many it was asked on.
    """

    def __init__(self) -> None:
        self.answers: tuple[bytes | None, ...] = (b"",)
        self.keep = False
        self.heads: list[str] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    def answer(self, *answers: bytes | None, keep: bool = False) -> None:
        """keep: leave the connection open after an answer."""
        self.answers, self.keep = answers, keep

    @staticmethod
    def ok(body: bytes, *headers: bytes) -> bytes:
        """An answer of 200 with its length."""
        lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    async def serve(self, reader, writer) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                answer = self.answers[min(len(self.heads), len(self.answers) - 1)]
                self.heads.append(head)
                await reader.readexactly(_length(head))
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(answer)
                await writer.drain()
                if not self.keep:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _length(head: str) -> int:
    for line in head.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


@pytest.fixture
async def raw():
    """A server that writes bytes; its url set."""
    server = Raw()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield server
    listening.close()
    for writer in server.writers:
        writer.close()
