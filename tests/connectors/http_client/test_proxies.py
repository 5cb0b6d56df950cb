"""Proxies: of the settings and of the environment, whom they serve, and a real one."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import suppress

import pytest
from aiohttp import web
from yarl import URL

from octo.connectors.http_client.proxies import Proxies
from octo.connectors.http_client.settings import Client, Proxy as Given
from octo.core.errors import NotConnected, OctoError, Permanent
from octo.core.secrets import masked

ENVIRON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ENVIRON:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class RealProxy:
    """Forwards and tunnels. Names that end in `.test` are this machine. heads: what it was asked."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.refusal: bytes | None = None
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader, writer) -> None:
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            method, target, _ = head.split(" ", 2)
            if self.refusal is not None:
                writer.write(b"HTTP/1.1 " + self.refusal + b"\r\nContent-Length: 0\r\n\r\n")
            elif method == "CONNECT":
                there = await self._to(URL(f"http://{target}"))
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await self._join(reader, writer, *there)
            else:
                url = URL(target)
                there = await self._to(url)
                there[1].write(head.replace(target, url.raw_path_qs, 1).encode())
                await self._join(reader, writer, *there)
        writer.close()

    async def _to(self, url):
        there = await asyncio.open_connection("127.0.0.1", url.port)
        self.writers.append(there[1])
        return there

    async def _join(self, reader, writer, far_reader, far_writer) -> None:
        async def pump(source, sink):
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


@pytest.fixture
async def proxy():
    real = RealProxy()
    listening = await asyncio.start_server(real.serve, "127.0.0.1", 0)
    real.port = listening.sockets[0].getsockname()[1]
    real.url = f"http://127.0.0.1:{real.port}"
    yield real
    listening.close()
    for writer in real.writers:
        writer.close()


async def test_a_request_goes_through_the_proxy(calling, upstream, proxy):
    """With the whole address, and with the name that only the proxy knows."""
    async with calling(baseURL=f"http://api.test:{upstream.server.port}", proxy={"url": proxy.url}) as calls:
        assert (await calls.rest(path="/a", query={"x": "'1'"})).body == {"ok": True}

    assert proxy.heads[0].startswith(f"GET http://api.test:{upstream.server.port}/a?x=1 HTTP/1.1\r\n")
    assert "Proxy-Authorization" not in upstream.requests[0].headers


async def test_https_is_tunnelled(calling, secure, proxy, certificate):
    """The proxy sees a name and a port; the certificate is the server's."""
    where = f"localhost:{secure.server.port}"
    settings = {"url": proxy.url, "username": "user", "password": "s3cret-of-proxy"}
    headers = {"X-Api-Key": "s3cret"}
    async with calling(baseURL=secure.url, proxy=settings, tls={"ca": str(certificate)}, headers=headers) as calls:
        for _ in range(2):
            assert (await calls.rest()).body == {"ok": True}

    assert len(proxy.heads) == 1  # the tunnel is kept
    assert proxy.heads[0].startswith(f"CONNECT {where} HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {b64encode(b'user:s3cret-of-proxy').decode()}\r\n" in proxy.heads[0]
    assert "X-Api-Key" not in proxy.heads[0]
    assert "Proxy-Authorization" not in secure.requests[0].headers
    assert secure.requests[0].headers["X-Api-Key"] == "s3cret"


async def test_the_password_is_for_the_proxy_and_masked(calling, upstream, proxy):
    """In both its forms."""
    settings = {"url": proxy.url, "username": "user", "password": "s3cret-of-proxy"}
    basic = b64encode(b"user:s3cret-of-proxy").decode()
    async with calling(baseURL=f"http://api.test:{upstream.server.port}", proxy=settings) as calls:
        await calls.rest()

    assert f"Proxy-Authorization: Basic {basic}\r\n" in proxy.heads[0]
    assert masked(f"{basic} s3cret-of-proxy") == "\u00absecret\u00bb \u00absecret\u00bb"


async def test_the_environment_is_used_by_default(calling, upstream, proxy, monkeypatch):
    """As curl does; `fromEnv: false` leaves it alone."""
    monkeypatch.setenv("http_proxy", proxy.url)
    base = {"baseURL": f"http://api.test:{upstream.server.port}"}
    async with calling(**base) as calls:
        await calls.rest()
    async with calling(**base, proxy={"fromEnv": False}, retry={"maxAttempts": 1}) as calls:
        with pytest.raises(NotConnected):
            await calls.rest()

    assert len(proxy.heads) == 1


async def test_the_environments_proxy_is_not_for_this_machine(calling, upstream, proxy, monkeypatch):
    """It would look for the server on its own."""
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    for host in ("127.0.0.1", "localhost"):
        async with calling(baseURL=f"http://{host}:{upstream.server.port}") as calls:
            await calls.rest()

    assert (proxy.heads, len(upstream.requests)) == ([], 2)


async def test_the_settings_proxy_is_for_all_that_do_not_bypass_it(calling, upstream, proxy):
    """Also for this machine."""
    for bypass in ([], ["127.0.0.0/8"]):
        async with calling(proxy={"url": proxy.url, "bypass": bypass}) as calls:
            await calls.rest()

    assert (len(proxy.heads), len(upstream.requests)) == (1, 2)


@pytest.mark.parametrize(
    ("refusal", "kind", "why", "code"),
    [
        (b"407 Who", Permanent, r"answered 407 to the request for a tunnel; it wants other credentials", "OCTO-H163"),
        (b"403 No", Permanent, r"the proxy 127\.0\.0\.1:\d+ answered 403 to the request for a tunnel", "OCTO-H163"),
        (b"502 Bad", NotConnected, "answered 502 to the request for a tunnel", "OCTO-H152"),
    ],
)
async def test_a_refusal_is_the_proxys(calling, secure, proxy, refusal, kind, why, code):
    """If it could not connect, nothing was sent, and the request may be tried again."""
    proxy.refusal = refusal
    async with calling(baseURL=secure.url, proxy={"url": proxy.url}) as calls:
        with pytest.raises(kind, match=why) as caught:
            await calls.rest(method="POST")

    assert caught.value.code == code
    assert len(proxy.heads) == (3 if kind is NotConnected else 1)


async def test_a_proxy_that_is_not_there_is_named(calling, upstream, port):
    """So that nobody looks for the fault at the server."""
    async with calling(proxy={"url": f"http://127.0.0.1:{port}"}) as calls:
        with pytest.raises(
            NotConnected, match=rf"cannot connect: Connection refused \(the proxy 127\.0\.0\.1:{port}\)"
        ):
            await calls.rest()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254"])
async def test_a_redirect_does_not_lead_through_a_proxy_into_a_private_network(calling, upstream, proxy, host):
    """Though the connection is to the proxy."""
    upstream.answer = _redirect(f"http://{host}:1/")
    async with calling(baseURL=f"http://api.test:{upstream.server.port}", proxy={"url": proxy.url}) as calls:
        with pytest.raises(Permanent, match="`privateAddresses: base` does not allow") as caught:
            await calls.rest()

    assert (caught.value.code, len(proxy.heads)) == ("OCTO-H162", 1)


async def test_a_redirect_goes_through_the_proxy_and_its_password_stays_there(calling, upstream, start, proxy):
    """A stranger does not see it."""
    stranger = await start()
    upstream.answer = _redirect(f"http://other.test:{stranger.server.port}/")
    settings = {"url": proxy.url, "username": "user", "password": "s3cret-of-proxy"}
    async with calling(baseURL=f"http://api.test:{upstream.server.port}", proxy=settings) as calls:
        await calls.rest()

    assert [head.split()[1].split(":")[1] for head in proxy.heads] == ["//api.test", "//other.test"]


async def test_deny_allows_the_proxy(calling, upstream, proxy):
    """Proxies are inside; whom they may ask is another question."""
    base = f"http://api.test:{upstream.server.port}"
    async with calling(baseURL=base, proxy={"url": proxy.url}, privateAddresses="deny") as calls:
        assert (await calls.rest()).body == {"ok": True}


def _redirect(where):
    return lambda request: web.Response(status=302, headers={"Location": where})


def chosen(address, environ, **settings):
    proxy = Proxies(Given.model_validate(settings), environ).of(URL(address))
    return None if proxy is None else (str(proxy.url), proxy.authorization)


@pytest.mark.parametrize(
    ("environ", "url", "expected"),
    [
        ({"HTTP_PROXY": "http://p:1"}, "http://a.b", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "http://a.b", "http://p:1"),
        ({"HTTP_PROXY": "p:1"}, "http://a.b", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://a.b", None),
        ({"HTTPS_PROXY": "http://p:1/"}, "https://a.b", "http://p:1"),
        ({"https_proxy": "https://p"}, "https://a.b", "https://p"),
        ({"HTTPS_PROXY": " "}, "https://a.b", None),
        ({"ALL_PROXY": "socks5://p"}, "https://a.b", None),
        ({"HTTP_PROXY": "p:1"}, "http://[::1]/", None),
        ({"HTTP_PROXY": "p:1"}, "http://x.localhost/", None),
        ({}, "http://a.b", None),
    ],
)
def test_the_environment_names_a_proxy_per_scheme(environ, url, expected):
    found = chosen(url, environ)

    assert (found and found[0]) == expected


@pytest.mark.parametrize(
    ("entries", "url", "direct"),
    [
        ("*", "http://a.b", True),
        ("a.b", "http://a.b", True),
        ("A.B", "http://a.b", True),
        ("a.b", "http://x.a.b", True),
        (".a.b", "http://x.a.b", True),
        ("*.a.b", "http://x.a.b", True),
        ("a.b", "http://xa.b", False),
        ("a.b", "http://a.b.", True),
        ("a.b:80", "http://a.b", True),
        ("a.b:81", "http://a.b", False),
        ("x, a.b ,y", "http://a.b", True),
        ("x a.b", "http://a.b", True),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("10.0.0.1", "http://10.0.0.1", True),
        ("10.0.0.1:80", "http://10.0.0.1:81", False),
        ("fd00::/8", "http://[fd00::1]", True),
        ("[fd00::1]", "http://[fd00::1]", True),
        ("[fd00::1]:80", "http://[fd00::1]", True),
        ("fd00::1", "http://[fd00::1]", True),
        ("10.0.0.0/8", "http://a.b", False),
        ("10", "http://10.0.0.1", False),
        ("b", "http://10.0.0.1", False),
        (",,", "http://a.b", False),
        (".", "http://a.b", False),
        ("a.b:99999999999999999999", "http://a.b", False),
    ],
)
def test_no_proxy_lists_servers_in_every_usual_form(entries, url, direct):
    """Names with all below them, addresses, ranges, ports."""
    proxy = {"HTTP_PROXY": "http://p:1"}
    assert (chosen(url, {**proxy, "NO_PROXY": entries}) is None) == direct
    assert (chosen(url, {**proxy, "no_proxy": entries}) is None) == direct


def test_the_settings_replace_the_environment():
    """The proxy and its exceptions."""
    environ = {"HTTP_PROXY": "http://p:1", "NO_PROXY": "a.b"}

    assert chosen("http://a.b", environ, url="http://ours:2")[0] == "http://ours:2"
    assert chosen("http://a.b", environ, url="http://ours:2", bypass=["a.b"]) is None
    assert chosen("http://c.d", environ, bypass=["c.d"]) is None


def test_a_password_in_the_environment_is_decoded_and_masked():
    """It is a part of an address there."""
    _, authorization = chosen("http://a.b", {"HTTP_PROXY": "http://user:s3cr%40t-of-env@p:1"})

    assert authorization == "Basic " + b64encode(b"user:s3cr@t-of-env").decode()
    assert masked("s3cr@t-of-env") == "\u00absecret\u00bb"


@pytest.mark.parametrize("value", ["socks5://user:s3cret@p:1", "http://user:s3cret@p:x", "http://"])
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(value):
    """The error names the variable."""
    with pytest.raises(OctoError, match="the environment variable https_proxy is not the address") as caught:
        chosen("http://a.b", {"https_proxy": value})

    assert caught.value.code == "OCTO-H163"
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "why"),
    [
        ({"url": "http://u:p@proxy:1"}, "credentials"),
        ({"url": "socks5://proxy:1"}, "absolute address"),
        ({"url": "http://proxy:1", "password": "p"}, "`password` needs `username`"),
        ({"username": "u", "password": "p"}, "`username` belongs to `url`"),
        ({"bypass": ["10.0.0.0/33"]}, "'10.0.0.0/33' is no range of addresses"),
        ({"bypass": ["http://a.b/"]}, "'http://a.b/' is no range of addresses"),
    ],
)
def test_settings_that_cannot_work_are_refused(proxy, why):
    """When they are read."""
    with pytest.raises(ValueError, match=why):
        Client.model_validate({"baseURL": "http://a.b", "proxy": proxy})
