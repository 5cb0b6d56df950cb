"""What a `nats:` URL says."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.core.secrets import masked
from octo.services import codes
from octo.services.nats.address import parse
from octo.services.places import openers


def test_what_the_url_does_not_say_is_usual():
    address = parse("nats://nats.example.com")

    assert (address.servers, address.prefix, address.replicas) == (("nats.example.com:4222",), "octo", 1)
    assert (address.user, address.password, address.tls) == ("", "", False)
    assert address.where == "NATS at nats.example.com:4222/octo"


def test_several_servers_are_those_of_one_cluster():
    """Their comma is encoded, because a comma ends a URL in the list of places."""
    address = parse("tls://u:p@a%2Cb:4223%2C[::1]:4224/orders?replicas=3&ca=/etc/ca.pem&connect_timeout=9")

    assert address.servers == ("a:4222", "b:4223", "[::1]:4224")
    assert (address.tls, address.ca, address.prefix, address.replicas, address.connect) == (
        *(True, "/etc/ca.pem", "orders", 3),
        9.0,
    )
    assert set(openers("nats://a%2Cb,topics=memory:")) >= {"queues", "topics"}


def test_a_token_has_no_user():
    assert (parse("nats://t0ken@host").user, parse("nats://t0ken@host").password) == ("", "t0ken")


def test_the_password_is_never_printed():
    address = parse("nats://octo:hunter2%2Fx%40@host/app")

    assert address.password == "hunter2/x@"
    assert "hunter2" not in repr(address) + address.where
    assert masked("login failed with hunter2/x@") == "login failed with «secret»"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nats:host", "this is no URL"),
        ("nats://", "this is no URL"),
        ("nats://host:99999", "this is no URL"),
        ("nats://octo:hun@ter2@host", "`@` as %40"),
        ("nats://octo:hunter2/x@host", "`/` as %2F"),
        ("nats://octo:1#hunter2@host", "`#` as %23"),
        ("nats://host/a.b", "'a.b' is no prefix"),
        ("nats://host/a/b", "is no prefix"),
        ("nats://host?replica=3", "'replica' is no parameter of NATS; known: ca, connect_timeout, replicas"),
        ("nats://host?replicas=9", "`replicas` must be 1 to 5"),
        ("nats://host?connect_timeout=x", "`connect_timeout` must be 1 to 60"),
    ],
)
def test_what_is_no_address_is_refused(url, problem):
    with pytest.raises(Permanent) as caught:
        parse(url)

    assert problem in str(caught.value)
    assert "ter2" not in str(caught.value)
    assert caught.value.code == codes.PLACE
