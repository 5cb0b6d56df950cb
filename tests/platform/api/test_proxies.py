"""Whoever asks through a proxy that is trusted is one of many; whoever says so of themselves is not believed."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from octo_platform.api.app import create_app
from octo_platform.api.proxies import Proxies
from octo_platform.options import Options

TRUSTED = Proxies(["10.42.0.0/16", "fd00::/8", "127.0.0.1"])


def client(peer: str | None, *forwarded: str) -> str | None:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    found = TRUSTED.client({"client": (peer, 4711) if peer else None, "headers": headers})
    return found[0] if found else None


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("10.42.0.5", ["198.51.100.1"], "198.51.100.1"),
        ("10.42.0.5", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("10.42.0.5", ["1.2.3.4", "198.51.100.1, 10.42.7.7"], "198.51.100.1"),
        ("10.42.0.5", ["198.51.100.1:4711"], "198.51.100.1"),
        ("fd00::5", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.42.0.5", ["2001:db8::1"], "2001:db8::1"),
        ("10.42.0.5", [], "10.42.0.5"),
        ("10.42.0.5", ["unknown"], "10.42.0.5"),
        ("10.42.0.5", ["1.2.3.4, garbage"], "10.42.0.5"),
        ("10.42.0.5", ["10.42.0.6"], "10.42.0.5"),
        ("10.42.0.5", ["1.2.3.4," * 10_000 + "198.51.100.1"], "198.51.100.1"),
        (None, ["1.2.3.4"], None),
    ],
)
def test_who_asks(peer, forwarded, expected):
    assert client(peer, *forwarded) == expected


async def _tries(house, address: str) -> list[int]:
    transport = httpx.ASGITransport(create_app(house.installation), client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8321/api/v1") as program:
        return [
            (await program.post("/device", json={"client": "x"}, headers={"X-Forwarded-For": f"1.2.3.{n}"})).status_code
            for n in range(23)
        ]


async def test_a_header_that_anybody_may_send_gives_no_more_tries(house):
    assert (await _tries(house, "10.42.0.5"))[-2:] == [429, 429]


async def test_clients_of_a_trusted_proxy_do_not_share_theirs(house):
    house.installation.options = house.installation.options.model_copy(update={"trusted_proxies": ("10.42.0.0/16",)})
    assert set(await _tries(house, "10.42.0.5")) == {201}


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="'nginx' is no network"):
        Options(folder=tmp_path, trusted_proxies=("nginx",))
