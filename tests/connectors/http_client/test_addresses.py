"""Addresses that are not public, in every spelling, and who may connect to them."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from octo.connectors.http_client.addresses import Guard, PrivateAddress, kind_of
from octo.core.errors import Permanent


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("100.127.255.255", "private"),
        ("169.254.169.254", "link-local"),
        ("192.0.2.1", "private"),
        ("198.18.0.1", "private"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "private"),
        ("255.255.255.255", "private"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fd00::1", "private"),
        ("fc00:ec2::254", "private"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("2001:db8::1", "private"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:a9fe:a9fe", "link-local"),
        ("::ffff:10.0.0.1", "private"),
        ("::127.0.0.1", "loopback"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b:1::1", "private"),
        ("2002:7f00:1::", "loopback"),
        ("2002:a00:1::", "private"),
        ("localhost", "not an address"),
        ("2130706433", "not an address"),
        ("", "not an address"),
    ],
)
def test_what_is_not_public_is_known_in_every_form(address, kind):
    """Also in an IPv6 address that a router unpacks."""
    assert kind in kind_of(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "169.253.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_public_addresses_are_none_of_these(address):
    """Next to the ranges above."""
    assert kind_of(address) is None


@pytest.mark.parametrize(
    ("mode", "own", "other"), [("base", True, False), ("allow", True, True), ("deny", False, False)]
)
def test_a_guard_lets_through_what_its_mode_says(mode, own, other):
    """One private address among others is enough to refuse a server."""
    guard = Guard(mode, [("ours", 80)])

    def passes(host, port):
        try:
            guard.check(host, port, ["8.8.8.8", "10.0.0.1"])
        except PrivateAddress:
            return False
        return True

    assert [passes("ours", 80), passes("ours", 81), passes("theirs", 80)] == [own, other, other]
    guard.check("theirs", 80, ["8.8.8.8"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "0x7f000001"])
@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_does_not_lead_into_this_machine(calling, upstream, start, host, status):
    """By no spelling of its address, unless the settings allow it."""
    inside = await start()
    port = inside.server.port
    upstream.answer = lambda request: web.Response(status=status, headers={"Location": f"http://{host}:{port}/admin"})

    async with calling() as calls:
        with pytest.raises(Permanent, match=r"`privateAddresses: base` does not allow") as caught:
            await calls.rest()

    assert (caught.value.code, inside.requests) == ("OCTO-H162", [])


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "127.0.0.1."])
async def test_an_address_is_written_in_four_parts(calling, upstream, host):
    """Older forms are refused whatever they mean."""
    upstream.answer = lambda request: web.Response(status=302, headers={"Location": f"http://{host}/"})
    async with calling(privateAddresses="allow") as calls:
        with pytest.raises(Permanent, match="neither a name nor an address"):
            await calls.rest()


async def test_nor_to_the_addresses_of_a_cloud(calling, upstream):
    """Where a machine's credentials are."""
    upstream.answer = lambda request: web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/"})
    async with calling() as calls:
        with pytest.raises(Permanent, match=r"169\.254\.169\.254 is a link-local address"):
            await calls.rest()


async def test_a_name_is_what_it_resolves_to_when_connecting(calling, upstream, start, monkeypatch):
    """A name that was public a moment ago: each connection looks at the addresses that it uses."""
    inside = await start()
    loop = asyncio.get_running_loop()
    real, asked = loop.getaddrinfo, []

    async def resolving(host, port, **options):
        if host == "rebound.test":
            asked.append(host)
            host = "127.0.0.1"
        return await real(host, port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", resolving)
    where = f"http://rebound.test:{inside.server.port}/"
    upstream.answer = lambda request: web.Response(status=302, headers={"Location": where})
    async with calling() as calls:
        with pytest.raises(Permanent, match=r"rebound\.test \(127\.0\.0\.1\) is a loopback address"):
            await calls.rest()
    async with calling(privateAddresses="allow") as calls:
        await calls.rest()

    assert (len(asked), len(inside.requests)) == (2, 1)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_the_server_that_the_author_wrote_may_be_anywhere(calling, upstream, name):
    """Also after a redirect of its own: development on one machine needs no setting."""
    upstream.answers(web.Response(status=302, headers={"Location": "/b"}), web.json_response(2))
    async with calling(baseURL=f"http://{name}:{upstream.server.port}") as calls:
        assert (await calls.rest()).body == 2


async def test_deny_is_for_the_author_too(calling, upstream):
    """A server that must be public stays so, whatever its name resolves to."""
    async with calling(privateAddresses="deny") as calls:
        with pytest.raises(Permanent, match="is a loopback address") as caught:
            await calls.rest()

    assert (caught.value.code, upstream.requests, calls.pauses) == ("OCTO-H162", [], [])
