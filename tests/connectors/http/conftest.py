"""A served route without an engine: an inlet that is a function, and a client of real sockets."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from octo.connectors.http import Http, Route, Server


class Inlet:
    """Returns what the function returns for a message, and keeps the messages."""

    connector = "http"
    service = "shop"
    description = ""

    def __init__(self, answer=lambda message: message, flow: str = "test", input=None) -> None:
        self.answer = answer
        self.flow = flow
        self.input = input
        self.messages = []
        self.timeouts = []

    def call(self, message, timeout=None, lift=None):
        self.messages.append(message)
        self.timeouts.append(timeout)
        return self.answer(message)


class Site:
    """An http connector on a free port, and a client to talk to it."""

    def __init__(self, http: Http, client: aiohttp.ClientSession) -> None:
        self.http = http
        self.client = client

    @property
    def port(self) -> int:
        return self.http.port

    @asynccontextmanager
    async def route(self, answer=lambda message: message, path="/", **settings):
        inlet = answer if isinstance(answer, Inlet) else Inlet(answer)
        async with self.http.route(Route.model_validate({"path": path, **settings}), inlet):
            yield inlet

    async def ask(self, method="GET", path="/", **options):
        """Status, headers and text of the response."""
        async with self.client.request(method, f"{self.http.url}{path}", allow_redirects=False, **options) as response:
            return response.status, response.headers, await response.text()

    async def raw(self, data: bytes) -> bytes:
        """Send these bytes and return everything that the server sends until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def serving(**settings):
    async with AsyncExitStack() as stack:
        server = Server.model_validate({"host": "127.0.0.1", "port": 0, **settings})
        http = await stack.enter_async_context(Http.open(server))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        yield Site(http, client)


@pytest.fixture
def serve():
    """Open a connector with these settings."""
    return serving


@pytest.fixture
async def site():
    """A connector with default settings."""
    async with serving() as site:
        yield site


@pytest.fixture
def inlet():
    """Builds inlets."""
    return Inlet


def certified(folder, name="localhost"):
    """A self-signed certificate and its key as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {"cert": str(cert), "key": str(private)}


@pytest.fixture
def certificate():
    """Writes a self-signed certificate and its key to a folder; returns their paths as settings."""
    return certified
