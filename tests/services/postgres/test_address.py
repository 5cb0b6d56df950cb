"""What a `postgresql:` URL says."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.core.secrets import masked
from octo.services import codes
from octo.services.places import openers
from octo.services.postgres.address import parse


def test_what_the_url_does_not_say_is_usual():
    address = parse("postgresql://db.example.com/app")

    assert (address.schema, address.connections, address.connect) == ("octo", 8, 5.0)
    assert address.where == "PostgreSQL at db.example.com/app"


def test_its_own_parameters_are_not_sent_to_the_server():
    address = parse("postgres://u@db:5433/app?schema=orders&connections=3&connect_timeout=9&sslmode=require")

    assert (address.schema, address.connections, address.connect) == ("orders", 3, 9)
    assert address.dsn == "postgresql://u@db:5433/app?sslmode=require"


def test_several_hosts_are_the_servers_of_one_cluster():
    """Whichever can be written to. Their comma is encoded, because a comma ends a URL."""
    address = parse("postgresql://u@a:5432%2Cb:5433/app")

    assert address.dsn == "postgresql://u@a:5432,b:5433/app?target_session_attrs=read-write"


@pytest.mark.parametrize("url", ["postgresql:///app", "postgresql://", "postgresql:///app?host=/var/run/postgresql"])
def test_what_is_not_there_comes_from_the_environment(url):
    assert parse(url).schema == "octo"


@pytest.mark.parametrize(
    "url",
    ["postgresql://octo:hunter2%2Fx%40@db/app", "postgresql://db/app?user=octo&password=hunter2%2Fx%40"],
)
def test_the_password_is_never_printed(url):
    address = parse(url)

    assert "hunter2" not in repr(address)
    assert "hunter2" not in str(address.where)
    assert masked("login failed with hunter2/x@") == "login failed with «secret»"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql:octo:hunter2@db", "this is no URL"),
        ("postgresql://octo:hun@ter2@db/app", "`@` as %40"),
        ("postgresql://octo:hunter2/x@db/app", "`/` as %2F"),
        ("postgresql://octo:123/hunter2@db/app", "`/` as %2F"),
        ("postgresql://octo:123#hunter2@db/app", "`#` as %23"),
        ("postgresql://octo:123?hunter2@db/app", "`?` as %3F"),
        ("postgresql://octo:hunter2#x@db/app", "`#` as %23"),
        ("postgresql://octo:hunter2@db:no/app", "this is no URL"),
        ("postgresql://octo:hunter2@[::1/app", "this is no URL"),
        ("postgresql://octo:hunter2@db/app?schema", "this is no URL"),
        ("postgresql://octo:hunter2@db/app?schema=", "is no schema"),
        ("postgresql://octo:hunter2@db/app?schema=Octo", "'Octo' is no schema"),
        ('postgresql://octo:hunter2@db/app?schema=a"b', "is no schema"),
        ("postgresql://octo:hunter2@db/app?schema=pg_temp", "is no schema"),
        ("postgresql://octo:hunter2@db/app?connections=0", "`connections` must be 1 to 100, and is '0'"),
        ("postgresql://octo:hunter2@db/app?connections=many", "`connections` must be"),
    ],
)
def test_what_is_no_address_is_refused(url, problem):
    """Without a word of the password."""
    with pytest.raises(Permanent) as caught:
        openers(url)

    assert problem in str(caught.value)
    assert "unter2" not in str(caught.value)
    assert caught.value.code == codes.PLACE


def test_one_service_may_be_in_a_database():
    found = openers("memory:, queues=postgresql://u@db/app?schema=octo, leases=postgres://u@db/app")

    assert {name for name, opener in found.items() if callable(opener)} == {"queues", "leases"}
