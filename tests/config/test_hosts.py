"""Where addresses lead, in all the forms that connectors know."""

from __future__ import annotations

import pytest

from octo.config.hosts import UNKNOWN, Host, hosts, is_address
from octo.core.settings import WEB, Reaches

DATABASE = Reaches((("postgres", 5432), ("postgresql", 5432), ("mysql", 3306)))
KAFKA = Reaches((("kafka", 9092),), bare="kafka")
NATS = Reaches((("nats", 4222), ("tls", 4222)), bare="nats")
ON_WEB = Reaches(WEB)


@pytest.mark.parametrize(
    ("text", "reaches", "found"),
    [
        ("https://API.example.com/v1", ON_WEB, [Host("https", "api.example.com", 443)]),
        ("http://localhost:8080", ON_WEB, [Host("http", "localhost", 8080)]),
        ("https://[2001:db8::1]:8443/a", ON_WEB, [Host("https", "2001:db8::1", 8443)]),
        ("https://example.com/users/@me?a=b@c", ON_WEB, [Host("https", "example.com", 443)]),
        ("https://user:p%40ss@example.com/", ON_WEB, [Host("https", "example.com", 443)]),
        ("postgres://octo:s3cr3t@db:6000/shop?sslmode=require", DATABASE, [Host("postgres", "db", 6000)]),
        ("postgres://u@a:1,b/shop", DATABASE, [Host("postgres", "a", 1), Host("postgres", "b", 5432)]),
        ("postgres://u:p/a@db/shop", DATABASE, [Host("postgres", "db", 5432)]),
        ("postgresql+asyncpg://u@db/shop", DATABASE, [Host("postgresql+asyncpg", "db", 5432)]),
        ("clickhouse://db/shop", DATABASE, [Host("clickhouse", "db", None)]),
        ("host=db user=octo password='a b' dbname=shop", DATABASE, [Host("postgres", "db", 5432)]),
        ("host=a,b port=1,2 user=octo", DATABASE, [Host("postgres", "a", 1), Host("postgres", "b", 2)]),
        ("host=a,b port=6000", DATABASE, [Host("postgres", "a", 6000), Host("postgres", "b", 6000)]),
        ("host=/var/run/postgresql dbname=shop", DATABASE, []),
        ("user=octo dbname=shop", DATABASE, []),
        ("shop.db", DATABASE, []),
        ("sqlite+aiosqlite:///shop.db", DATABASE, []),
        ("kafka-1.example.com:9092", KAFKA, [Host("kafka", "kafka-1.example.com", 9092)]),
        ("nats://a:1,tls://b,c:3", NATS, [Host("nats", "a", 1), Host("tls", "b", 4222), Host("tls", "c", 3)]),
        ("a,b:4223", NATS, [Host("nats", "a", 4222), Host("nats", "b", 4223)]),
    ],
)
def test_where_an_address_leads(text: str, reaches: Reaches, found: list[Host]):
    assert hosts(text, reaches) == found


@pytest.mark.parametrize(
    ("text", "reaches", "found"),
    [
        ("?", ON_WEB, Host(None, None, None)),
        ("?/v1", ON_WEB, Host(None, None, None)),
        ("https://?/v1", ON_WEB, Host("https", None, None)),
        ("https://?.example.com", ON_WEB, Host("https", None, 443)),
        ("https://?:8443", ON_WEB, Host("https", None, 8443)),
        ("?://example.com", ON_WEB, Host(None, "example.com", None)),
        ("https://example.com:?/v1", ON_WEB, Host("https", "example.com", None)),
        ("postgres://?:?@db/shop", DATABASE, Host("postgres", "db", 5432)),
        ("host=? dbname=shop", DATABASE, Host("postgres", None, None)),
        ("?:9092", KAFKA, Host("kafka", None, 9092)),
        ("?", KAFKA, Host(None, None, None)),
    ],
)
def test_what_only_the_environment_tells(text: str, reaches: Reaches, found: Host):
    assert hosts(text.replace("?", UNKNOWN), reaches) == [found]


@pytest.mark.parametrize("text", ["s3cr3t", "YWJjZA==", "a=b", "user=octo password=x"])
def test_a_password_is_no_address(text: str):
    assert not is_address(text)


@pytest.mark.parametrize("text", ["postgres://u:p@db/shop", "host=db password=x"])
def test_an_address_with_a_password_is_one(text: str):
    assert is_address(text)
