"""What deployments reach: each token opens its own store, whatever is asked, and nothing that is sent is a failure."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import update

from octo import __version__
from octo.services import grouping, squeezed
from octo.services.platform import key_value as client_key_value, queues as client_queues, store as client_store
from octo_platform.data import asked
from octo_platform.data.routes import key_value, leases, own, queues, topics
from octo_platform.storage.tables import Deployment, Entry
from tests.platform.asking import ANY, FLOW, HERE, deployment, done, problem, until, until_gone
from tests.platform.conftest import on_both

ENTRY, KEY = "/kv/entry", {"namespace": "user", "key": "a"}
LEASE, QUEUE, TOPIC = {"name": "a", "ttl": "60"}, {"queue": "q"}, {"topic": "t"}
RECEIPT = {"number": "1", "lent": "1"}
SEND = b'{"messages": [{"queue": "q", "id": "1", "size": 1}]}\n1'
ROUTES = {
    ("GET", "/discovery"): ({}, b""),
    ("GET", "/resources"): ({}, b""),
    ("GET", "/resources/content"): ({"name": "orders.yaml"}, b""),
    ("GET", "/logs"): ({}, b""),
    ("GET", ENTRY): (KEY, b""),
    ("PUT", ENTRY): (KEY, b"1"),
    ("DELETE", ENTRY): (KEY, b""),
    ("GET", "/kv/keys"): ({"namespace": "user"}, b""),
    ("POST", "/kv/increment"): ({"namespace": "user", "key": "n"}, b""),
    ("POST", "/leases/acquire"): (LEASE, b""),
    ("GET", "/leases/wait"): ({"name": "a", "wait": "0"}, b""),
    ("POST", "/leases/renew"): (LEASE | {"token": "1"}, b""),
    ("POST", "/leases/release"): ({"name": "a", "token": "1"}, b""),
    ("POST", "/queues/send"): ({}, SEND),
    ("POST", "/queues/receive"): (QUEUE, b""),
    ("GET", "/queues/wait"): (QUEUE | {"wait": "0"}, b""),
    ("POST", "/queues/extend"): (RECEIPT | {"lease": "9"}, b""),
    ("POST", "/queues/ack"): ({}, b'{"messages": [{"number": 1, "lent": 1}]}\n'),
    ("POST", "/queues/nack"): (RECEIPT, b""),
    ("POST", "/queues/reject"): (RECEIPT, b"no"),
    ("POST", "/queues/ask"): (QUEUE | {"id": "x", "timeout": "9"}, b"1"),
    ("POST", "/queues/reply"): ({"id": "x"}, b""),
    ("GET", "/queues/browse"): (QUEUE, b""),
    ("GET", "/queues/count"): (QUEUE, b""),
    ("POST", "/topics/publish"): (TOPIC, b"1"),
    ("GET", "/topics/events"): (TOPIC | {"after": "0"}, b""),
    ("GET", "/topics/latest"): (TOPIC, b""),
    ("POST", "/topics/subscribe"): (TOPIC | {"subscriber": "s"}, b""),
    ("POST", "/topics/commit"): (TOPIC | {"subscriber": "s", "number": "1"}, b""),
    ("POST", "/topics/forget"): (TOPIC | {"subscriber": "s"}, b""),
}
"""A request of each route that is right."""


def ask(keeper, route):
    query, body = ROUTES[route]
    return keeper.request(*route, params=query, content=body)


def test_every_route_is_known_here():
    slices = (own, key_value, leases, queues, topics)
    assert {(method, each.path) for a in slices for each in a.routes.routes for method in each.methods} == ROUTES.keys()


# --- whose it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer x", "Basic eDp5", "Bearer octod_", "Bearer octo_" + "a" * 43])
async def test_without_the_token_nothing_is_reached(keeper, given):
    keeper.headers["Authorization"] = given
    for route in ROUTES:
        assert await problem(ask(keeper, route)) == "not-signed-in", route


@on_both
async def test_the_token_of_a_deployment_that_goes_is_worth_nothing(keeper, client):
    """Also one that was just in use, on every route."""
    for route in ROUTES:
        assert (await ask(keeper, route)).status_code < 500, route
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    for route in ROUTES:
        assert await problem(ask(keeper, route)) == "not-signed-in", route


@on_both
@pytest.mark.parametrize("stranger", ["twin", "other"])
async def test_a_token_reaches_only_its_own(keeper, stranger):
    """Neither of another integration nor of another deployment of the same one, under the same names and numbers."""
    await done(keeper.put(ENTRY, params=KEY, content=b"mine"))
    await done(keeper.post("/kv/increment", params={"namespace": "user", "key": "n", "by": "5"}))
    lease = (await done(keeper.post("/leases/acquire", params=LEASE))).json()["token"]
    await keeper.sends("q", b"mine", b"mine too")
    (lent,) = await keeper.takes("q", lease=60)
    receipt = {"number": lent["number"], "lent": lent["lent"]}
    await done(keeper.post("/queues/ask", params={"queue": "r", "id": "x", "timeout": 60}, content=b"?"))
    await done(keeper.post("/topics/subscribe", params=TOPIC | {"subscriber": "s"}))
    await done(keeper.post("/topics/publish", params=TOPIC, content=b"mine"))

    await keeper.be(stranger)
    assert await problem(keeper.get(ENTRY, params=KEY)) == "not-found"
    assert (await keeper.get("/kv/keys", params={"namespace": "user"})).json()["names"] == []
    await done(keeper.delete(ENTRY, params=KEY))
    assert (await keeper.post("/kv/increment", params={"namespace": "user", "key": "n"})).json() == {"count": "1"}
    assert await problem(keeper.post("/leases/renew", params=LEASE | {"token": lease})) == "lost"
    await done(keeper.post("/leases/release", params={"name": "a", "token": lease}))
    assert (await keeper.post("/leases/acquire", params=LEASE)).json()["token"] is not None
    assert await keeper.takes("q") == []
    assert await keeper.takes("r") == []
    assert (await keeper.get("/queues/count", params=QUEUE)).json() == {"count": 0}
    assert (await keeper.get("/queues/browse", params=QUEUE)).content.endswith(b"\n")
    assert await problem(keeper.post("/queues/extend", params=receipt | {"lease": 1})) == "lost"
    assert await problem(keeper.post("/queues/reject", params=receipt, content=b"no")) == "lost"
    await done(keeper.post("/queues/nack", params=receipt))
    assert await keeper.acks(lent) == [False]
    assert (await keeper.post("/queues/reply", params={"id": "x"})).status_code == 204
    assert (await keeper.get("/topics/latest", params=TOPIC)).json() == {"seen": 0}
    assert b"mine" not in (await keeper.get("/topics/events", params=TOPIC | {"after": 0})).content
    await done(keeper.post("/topics/commit", params=TOPIC | {"subscriber": "s", "number": 9}))
    await done(keeper.post("/topics/forget", params=TOPIC | {"subscriber": "s"}))

    await keeper.be("orders")
    assert (await keeper.get(ENTRY, params=KEY)).content == b"mine"
    assert (await keeper.post("/kv/increment", params={"namespace": "user", "key": "n"})).json() == {"count": "6"}
    await done(keeper.post("/leases/renew", params=LEASE | {"token": lease}))
    assert await keeper.acks(lent) == [True]
    assert [each["value"] for each in await keeper.takes("q", most=9)] == [b"mine too"]
    assert (await keeper.post("/topics/subscribe", params=TOPIC | {"subscriber": "s"})).json() == {"seen": 0}


async def test_what_is_kept_outlives_the_deployment(keeper, client, reconciling):
    """The next deployment of this integration under this slug goes on with it, and no other one."""
    await done(keeper.put(ENTRY, params=KEY, content=b"kept"))
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    await until_gone(client)
    body = {"environment": "dev", "integration": "other", "tag": "v1", "slug": "orders"}
    await done(client.post(f"{HERE}/deployments", json=body))
    await keeper.be("orders")
    assert await problem(keeper.get(ENTRY, params=KEY)) == "not-found"
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    await until_gone(client)
    await deployment(client)
    await keeper.be("orders")
    assert (await keeper.get(ENTRY, params=KEY)).content == b"kept"


async def test_with_its_integration_it_goes(keeper, installation, client, reconciling):
    await done(keeper.put(ENTRY, params=KEY, content=b"kept"))
    for slug in ("orders", "twin"):
        await done(client.delete(f"{HERE}/deployments/dev:{slug}", headers=ANY))
        await until_gone(client, f"dev:{slug}")
    await done(client.delete(f"{HERE}/integrations/orders", headers=ANY))
    async with installation.database.read() as session:
        assert (await session.scalars(Entry.__table__.select())).all() == []


# --- what is asked -----------------------------------------------------------------------------------------------

KEYS = [
    "a/b",
    ".",
    "..",
    "../a",
    "a//b",
    "%2F",
    "a?b=c&d",
    "a#b",
    "+",
    " ",
    "a+b c",
    "é",
    "e\u0301",
    "🦊",
    "\n",
    "\x7f",
]


async def test_keys_are_what_they_are(keeper):
    """Nothing on the way takes a part of a key for something else."""
    for each in KEYS:
        await done(keeper.put(ENTRY, params={"namespace": "user", "key": each}, content=each.encode()))
    for each in KEYS:
        assert (await keeper.get(ENTRY, params={"namespace": "user", "key": each})).content == each.encode(), each
    assert (await keeper.get("/kv/keys", params={"namespace": "user"})).json()["names"] == sorted(KEYS)


WRONG = ["", "\0", "a\0b", "x" * 513, "é" * 257, "nan", "inf", "-inf", "-1", "1e309", "9" * 5000, "1.5", "[]", "🦊"]


@on_both
async def test_nothing_that_is_asked_is_a_failure_of_ours(keeper):
    """Whatever stands in a query, alone or together."""
    chance = random.Random(3)
    for (method, path), (query, body) in ROUTES.items():
        for name in [
            *query,
            "wait",
            "most",
            "ttl",
            "by",
            "dead",
            "after",
            "version",
            "kind",
            "delay",
            "unseen",
            "lines",
        ]:
            for wrong in chance.sample(WRONG, 2):
                found = await keeper.request(method, path, params=query | {name: wrong}, content=body)
                assert found.status_code < 500, (method, path, name, wrong, found.text)
                if found.is_error:
                    assert found.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"\n",
            b"{}\n",
            b"[]\n",
            b"null\n",
            b'{"messages": []}\n',
            b'{"messages": 1}\n',
            b"\xff\n",
            SEND[:-1],
            SEND + b"x",
        ),
        *(b'{"messages": [{}]}\n', b"[" * 100_000 + b"\n", b'{"messages": [{"queue": "q", "id": "1", "size": -1}]}\n'),
        *(
            b'{"messages": [{"queue": "\\ud800", "id": "1", "size": 0}]}\n',
            b'{"messages": [{"queue": "", "id": "1", "size": 0}]}\n',
        ),
        *(
            b'{"messages": [{"queue": "\\u0000", "id": "1", "size": 0}]}\n',
            b'{"messages": [{"queue": "q", "id": "\\n", "size": 0}]}\n',
        ),
        b'{"messages": [{"queue": "q", "id": "1", "size": 0, "delay": 1e999}]}\n',
        b'{"messages": [{"queue": "q", "id": "1", "size": 0, "delay": 1, "order": "a"}]}\n',
        b'{"messages": [{"queue": "q", "id": "1", "size": 1e999}]}\n1',
        b'{"messages": [{"queue": "q", "id": "1", "size": 99999999999999999999999}]}\n1',
    ],
)
async def test_a_body_that_is_none_is_told_so(keeper, body):
    for path in ("/queues/send", "/queues/ack"):
        assert await problem(keeper.post(path, content=body)) in ("malformed", "invalid")
    assert (await keeper.get("/queues/count", params=QUEUE)).json() == {"count": 0}


async def test_a_query_that_is_no_text_is_told_so(keeper):
    """Two keys that cannot be decoded must not become the same."""
    assert await problem(keeper.get(f"{ENTRY}?namespace=user&key=%ff")) == "malformed"


async def test_sizes_are_limited(keeper):
    value = bytes(asked.LARGEST)
    await done(keeper.put(ENTRY, params=KEY, content=value))
    assert (await keeper.get(ENTRY, params=KEY)).content == value
    for route in (("PUT", ENTRY), ("POST", "/queues/ask"), ("POST", "/topics/publish"), ("POST", "/queues/reject")):
        found = keeper.request(*route, params=ROUTES[route][0], content=value + b"x")
        assert await problem(found) == "too-large", route
    about = b'{"messages": [{"queue": "q", "id": "1", "size": %d}]}\n' % (len(value) + 1)
    assert await problem(keeper.post("/queues/send", content=about + value + b"x")) == "too-large"
    assert await problem(keeper.put(ENTRY, params=KEY, content=bytes(asked.LARGEST_BODY + 1))) == "too-large"


# --- what a deployment may know of itself ------------------------------------------------------------------------


async def test_what_is_offered(keeper):
    found = (await done(keeper.get("/discovery"))).json()
    assert (found["version"], found["octo"]) == (1, __version__)
    assert found["features"] == ["key-value", "leases", "queues", "resources", "topics"]
    assert found["limits"] == {"value": 4 << 20, "body": 8 << 20, "store": 64 << 20, "wait": 30.0}


async def test_files_of_the_version(keeper):
    assert (await keeper.get("/resources")).json() == {"names": ["orders.yaml", "pages/mail.html"], "after": ""}
    assert (await keeper.get("/resources", params={"most": 1})).json() == {
        "names": ["orders.yaml"],
        "after": "orders.yaml",
    }
    assert (await keeper.get("/resources", params={"prefix": "p"})).json()["names"] == ["pages/mail.html"]
    assert (await keeper.get("/resources", params={"after": "p"})).json()["names"] == ["pages/mail.html"]
    assert (await keeper.get("/resources/content", params={"name": "orders.yaml"})).text == FLOW
    for name in ("x", "../orders.yaml", "/etc/passwd", "orders.yaml/", "pages/.env"):
        assert await problem(keeper.get("/resources/content", params={"name": name})) == "not-found"


async def test_its_own_log(keeper, client, pretence, reconciling):
    await until(client, phase="running")
    found = (await done(keeper.get("/logs", params={"lines": 2}))).json()
    assert found == [{"at": None, "instance": "orders-0", "text": f"line {n}"} for n in range(2)]
    pretence.reachable = False
    assert await problem(keeper.get("/logs")) == "target-unavailable"


def test_limits_and_headers_are_those_of_the_client():
    assert (client_key_value._VERSION, client_key_value._KIND) == (key_value.VERSION, key_value.KIND)
    assert client_queues.LONGEST_REASON <= asked.LONGEST_REASON
    assert client_store.LOOK <= asked.LONGEST_WAIT
    assert squeezed.MOST <= asked.LARGEST
    assert grouping.BYTES + asked.LARGEST <= asked.LARGEST_BODY


async def test_a_row_of_a_token_is_found_again(keeper, installation):
    """A deployment whose token is another one now is somebody else."""
    await done(keeper.get("/discovery"))
    async with installation.database.write() as session:
        await session.execute(update(Deployment).where(Deployment.slug == "twin").values(token_hash="0" * 64))
    twin = await keeper.token("twin")
    keeper.headers["Authorization"] = f"Bearer {twin}"
    assert await problem(keeper.get("/discovery")) == "not-signed-in"
