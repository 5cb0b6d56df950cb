"""What a `redis:` URL says."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.core.secrets import masked
from octo.services import codes
from octo.services.places import openers
from octo.services.redis.address import Address, parse


def test_what_the_url_does_not_say_is_usual():
    assert parse("redis://") == Address("localhost", 6379, 0, prefix="octo", connect=5.0)


def test_everything_can_be_said():
    address = parse("rediss://octo:p%40ss@[::1]:7000/3?prefix=orders&connect_timeout=9&ca=/etc/ca.pem")

    assert address == Address("::1", 7000, 3, "octo", "p@ss", True, "/etc/ca.pem", "orders", 9)
    assert address.where == "Redis at ::1:7000/3"


@pytest.mark.parametrize(("scheme", "tls"), [("redis", False), ("valkey", False), ("rediss", True), ("valkeys", True)])
def test_each_scheme_is_known(scheme, tls):
    assert parse(f"{scheme}://db").tls == tls
    assert set(openers(f"{scheme}://db")) >= {"key-value", "leases", "queues", "topics"}


def test_the_password_is_never_printed():
    address = parse("redis://:hunter2%2Fx%40@db")

    assert "hunter2" not in repr(address)
    assert "hunter2" not in str(address.where)
    assert masked("login failed with hunter2/x@") == "login failed with «secret»"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis:octo:hunter2@db", "this is no URL"),
        ("redis://octo:hun@ter2@db/0", "`@` as %40"),
        ("redis://octo:hunter2/x@db/0", "`/` as %2F"),
        ("redis://octo:123#hunter2@db/0", "`#` as %23"),
        ("redis://db/orders", "a database of Redis is a number"),
        ("redis://db/0?prefix=a:b", "no prefix"),
        ("redis://db/0?prefix=", "no prefix"),
        ("redis://db/0?prefx=a", "'prefx' is no parameter"),
        ("redis://db/0?connect_timeout=soon", "`connect_timeout` must be 1 to 60"),
        ("redis://db/0?ca=/etc/ca.pem", "rediss://"),
        ("redis://db:port/0", "this is no URL"),
    ],
)
def test_what_it_cannot_mean_is_refused_without_its_password(url, problem):
    with pytest.raises(Permanent) as caught:
        parse(url)

    assert caught.value.code == codes.PLACE
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)
