"""`platform:`, and what the platform gives its deployments."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.core.secrets import masked
from octo.services import codes
from octo.services.places import openers
from octo.services.platform import PROVIDED
from octo.services.platform.address import found


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("octod_0123456789abcdef\n")
    return str(file)


def given(url, file):
    return found({"OCTO_DATA_URL": url, "OCTO_DATA_TOKEN_FILE": file})


def test_what_the_platform_gives(token):
    address = given("http://octo-data.octo.svc:8322/", token)
    assert (address.url, address.token) == ("http://octo-data.octo.svc:8322", "octod_0123456789abcdef")
    assert address.where == "the platform at octo-data.octo.svc:8322"
    assert "octod_" not in repr(address)
    assert "octod_" not in masked("the token is octod_0123456789abcdef")


@pytest.mark.parametrize("environ", [{}, {"OCTO_DATA_URL": "http://x"}, {"OCTO_DATA_TOKEN_FILE": "x"}])
def test_elsewhere_it_is_refused(environ):
    with pytest.raises(Permanent, match="is for what the platform has deployed") as caught:
        found(environ)
    assert caught.value.code == codes.PLACE


@pytest.mark.parametrize("url", ["x", "ftp://x", "http://", "http://u:p@x", "http://x?a=b"])
def test_an_address_that_is_none_is_refused(url, token):
    with pytest.raises(Permanent, match="OCTO_DATA_URL is no address") as caught:
        given(url, token)
    assert caught.value.code == codes.PLACE


@pytest.mark.parametrize("content", [b"", b" \n", b"a\nb", b"\xff", None])
def test_a_token_that_is_none_is_refused(tmp_path, content):
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Permanent, match="OCTO_DATA_TOKEN_FILE") as caught:
        given("http://x", str(file))
    assert caught.value.code == codes.UNREADABLE


def test_it_is_found_as_a_place():
    services = openers("platform:")
    assert all(services[each] != openers("memory:")[each] for each in PROVIDED)
    assert openers("memory:,queues=platform:").keys() >= {"queues"}


@pytest.mark.parametrize("url", ["platform://x", "platform:x", "platform:?a=b", "secrets=platform:"])
def test_nothing_stands_behind_it(url):
    with pytest.raises(Permanent) as caught:
        openers(url)
    assert caught.value.code == codes.PLACE
