"""The connector keeps what every connector promises, and its stub does what tests ask."""

from __future__ import annotations

import pytest

from octo.connectors.nats import Nats
from octo.core.flow import Failure
from octo.testing import check_connector

JETSTREAM = "nats-jetstream"


@pytest.mark.parametrize("key", [{}, {"key": "'all'"}])
async def test_it_conforms(server, foreign, stream, key):
    """With and without an order. The password is printed nowhere."""

    async def answer(message):
        await message.respond(b"1")

    await foreign.subscribe(f"{stream}-asked", cb=answer)
    await foreign.flush()

    async def put(_):
        await foreign.jetstream().publish(f"{stream}.a", b"1")

    async def tell(_):
        await foreign.publish(f"{stream}-told", b"1")
        await foreign.flush()

    await check_connector(
        Nats,
        {"url": server.url, "user": "octo", "password": "correct horse"},
        sources={
            "nats": {"subject": f"{stream}-told"},
            JETSTREAM: {"stream": stream, "durable": "d", "create": True, "lease": "1s", **key},
        },
        blocks={
            "nats-publish": {"subject": f"'{stream}-told'"},
            "nats-request": {"subject": f"'{stream}-asked'"},
        },
        feed={JETSTREAM: put},
        without={"nats"},
        stub={"replies": [{"body": 1}]},
        triggers={JETSTREAM: {"body": 1}, "nats": {"body": 1}},
        message=1,
        patience=30.0,
        quiet=2.0,
    )
    await tell(None)


FLOWS = """
connectors: [{name: n, type: nats}]
flows:
  - name: price
    source: {connector: n, type: nats, settings: {subject: "prices.*"}}
    process: [{type: set-payload, value: '{"price": body.n * 2, "for": vars.subject}'}]
  - name: pick
    source: {connector: n, type: nats-jetstream, settings: {stream: S, durable: d}}
    process: [{type: filter, expr: body.n > 1}]
  - name: ask
    process:
      - {type: nats-publish, connector: n, subject: '"told"'}
      - {type: nats-request, connector: n, subject: '"prices." + body.of'}
"""


async def test_a_trigger_says_how_the_message_was_settled(stubbed):
    async with stubbed(FLOWS, n={}) as app:
        priced = await app.trigger("price", body={"n": 2}, vars={"subject": "prices.a"})
        picked = await app.trigger("pick", body={"n": 1})
        failed = await app.trigger("pick", body={})

    assert (priced["settled"], priced["body"]) == ("done", {"price": 4, "for": "prices.a"})
    assert (picked["settled"], failed["settled"]) == ("drop", "reject")


async def test_requests_get_the_replies_of_the_stub(stubbed):
    replies = [{"subject": "prices.a", "body": {"price": 1}, "times": 1}, {"subject": "prices.b", "error": "nobody"}]
    async with stubbed(FLOWS, n={"replies": replies}) as app:
        assert (await app.call("ask", {"of": "a"})).body == {"price": 1}
        with pytest.raises(Failure, match="the stub has no reply for the subject"):
            await app.call("ask", {"of": "a"})
        with pytest.raises(Failure, match="nobody"):
            await app.call("ask", {"of": "b"})
