"""Core NATS: what is published is heard, and who asks is answered with the outcome of the flow."""

from __future__ import annotations

import asyncio
import json

import pytest

from octo.core.errors import Permanent, Timeout, Transient
from octo.core.flow import Failure
from octo.testing import running

from .conftest import until

HEAR = """
connectors: [{name: n, type: nats, settings: {url: URL}}, {name: p, type: probe}]
flows:
  - name: hear
    source: {connector: n, type: nats, settings: {subject: "NAME.>", SETTINGS}}
    process: [WORK]
"""
SEND = """
connectors: [{name: n, type: nats, settings: {url: URL}}, {name: p, type: probe}]
flows:
  - name: send
    process: [{type: BLOCK, connector: n, settings: {subject: '"NAME.a"', SETTINGS}}]
"""
NOTE = '{type: note, connector: p, value: \'{"body": body, "vars": vars, "c": correlationID}\'}'


def flow(text, server, name, **parts):
    text = text.replace("URL", server.url).replace("NAME", name)
    for key in ("WORK", "BLOCK", "SETTINGS"):
        text = text.replace(key, parts.get(key.lower(), ""))
    return text.replace(", }", "}")


async def asked(foreign, subject, data, headers=None):
    return await foreign.request(subject, data, timeout=20, headers=headers)


# --- the source --------------------------------------------------------------------------------------------------


async def test_a_message_is_heard_with_subject_headers_and_correlation_id(server, foreign, name, plugins):
    async with running(flow(HEAR, server, name, work=NOTE), plugins) as app:
        await heard(foreign, app, name)
        await foreign.publish(f"{name}.a", b'{"n": 1}', headers={"X-Correlation-Id": "c-1", "Kind": "new"})
        notes = app.connector("p").notes
        await until(lambda: len(notes) == 2)

    headers = {"X-Correlation-Id": "c-1", "Kind": "new"}
    assert notes[1] == {"body": {"n": 1}, "vars": {"subject": f"{name}.a", "headers": headers}, "c": "c-1"}


async def heard(foreign, app, name):
    """Wait until the source has subscribed: nobody keeps what is published before."""
    notes = app.connector("p").notes
    while not notes:
        await foreign.publish(f"{name}.first", b"")
        await asyncio.sleep(0.05)
    del notes[1:]
    await foreign.flush()
    await asyncio.sleep(0.2)
    del notes[1:]


async def test_who_asks_gets_the_outcome(server, foreign, name, plugins):
    work = "{type: set-payload, value: '{\"twice\": body.n * 2}'}"
    async with running(flow(HEAR, server, name, work=work), plugins):
        answer = await until_answered(foreign, f"{name}.a", b'{"n": 21}')

    assert json.loads(answer.data) == {"twice": 42}
    assert answer.headers == {"Content-Type": "application/json"}


async def until_answered(foreign, subject, data, headers=None):
    """Ask until somebody listens."""
    from nats.errors import NoRespondersError

    while True:
        try:
            return await asked(foreign, subject, data, headers)
        except NoRespondersError:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("work", "code", "text"),
    [
        ("{type: set-payload, value: 'body.secret.x'}", "500", "internal error"),
        ("{type: fail, connector: p, how: bug}", "500", "internal error"),
    ],
)
async def test_who_asks_is_told_of_an_error_without_its_text(server, foreign, name, plugins, work, code, text):
    async with running(flow(HEAR, server, name, work=work), plugins):
        answer = await until_answered(foreign, f"{name}.a", b'{"n": 21}', {"X-Correlation-Id": "c-1"})

    told = json.loads(answer.data)
    assert (told["error"], told["correlationID"], len(told["eventID"])) == (text, "c-1", 32)
    assert (answer.headers["Nats-Service-Error"], answer.headers["Nats-Service-Error-Code"]) == (text, code)


async def test_what_cannot_be_read_is_answered_as_such(server, foreign, name, plugins):
    async with running(flow(HEAR, server, name, work=NOTE), plugins) as app:
        answer = await until_answered(foreign, f"{name}.a", b'{"n":', {"Content-Type": "application/json"})

        assert answer.headers["Nats-Service-Error-Code"] == "400"
        assert "not valid JSON" in answer.headers["Nats-Service-Error"]
        assert app.connector("p").notes == []


async def test_a_drop_is_an_empty_reply(server, foreign, name, plugins):
    async with running(flow(HEAR, server, name, work="{type: filter, expr: 'false'}"), plugins):
        answer = await until_answered(foreign, f"{name}.a", b"1")

    assert (answer.data, answer.headers) == (b"", None)


async def test_a_queue_group_shares_messages(server, foreign, name, plugins):
    text = flow(HEAR, server, name, work=NOTE, settings="queue: workers")
    async with running(text, plugins) as one, running(text.replace("hear", "too"), plugins) as two:
        first, second = one.connector("p").notes, two.connector("p").notes
        await asyncio.sleep(1)
        for number in range(100):
            await foreign.publish(f"{name}.a", str(number).encode())
        await until(lambda: len(first) + len(second) >= 100)
        await asyncio.sleep(0.2)
    assert sorted(each["body"] for each in (*first, *second)) == list(range(100))


# --- blocks ------------------------------------------------------------------------------------------------------


async def test_a_flow_publishes_with_headers(server, foreign, name, plugins):
    subscription = await foreign.subscribe(f"{name}.a")
    await foreign.flush()
    text = flow(SEND, server, name, block="nats-publish", settings="headers: {Kind: body.kind}, body: body.text")
    async with running(text, plugins) as app:
        body = {"kind": "new", "text": "grün"}
        assert (await app.call("send", body)).body == body
    message = await subscription.next_msg(timeout=20)

    assert message.data.decode() == "grün"
    assert message.headers == {"Kind": "new", "Content-Type": "text/plain; charset=utf-8"}


async def test_a_flow_asks_and_gets_the_reply(server, foreign, name, plugins):
    async def answer(message):
        await foreign.publish(message.reply, message.data + message.data, headers={"Content-Type": "text/plain"})

    await foreign.subscribe(f"{name}.a", cb=answer)
    await foreign.flush()
    text = flow(SEND, server, name, block="nats-request", settings="headersVar: told")
    async with running(text, plugins) as app:
        outcome = await app.call("send", "ab")

    assert (outcome.body, outcome.vars) == ("abab", {"told": {"Content-Type": "text/plain"}})


async def test_that_nobody_listens_is_told_at_once(server, name, plugins):
    async with running(flow(SEND, server, name, block="nats-request"), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("send", 1)

    assert isinstance(caught.value.cause, Transient)
    assert (caught.value.cause.code, str(caught.value.cause)) == (
        "OCTO-N101",
        f"request to '{name}.a': nobody listens on this subject",
    )


async def test_a_reply_that_does_not_come_is_a_timeout(server, foreign, name, plugins):
    await foreign.subscribe(f"{name}.a")
    await foreign.flush()
    text = flow(SEND, server, name, block="nats-request", settings="timeout: 100ms")
    async with running(text, plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("send", 1)

    assert isinstance(caught.value.cause, Timeout)


@pytest.mark.parametrize(("code", "kind"), [("404", Permanent), ("429", Transient), ("500", Transient)])
async def test_an_error_of_who_answers_is_one_of_the_block(server, foreign, name, plugins, code, kind):
    async def answer(message):
        headers = {"Nats-Service-Error": "no such order", "Nats-Service-Error-Code": code}
        await foreign.publish(message.reply, b"", headers=headers)

    await foreign.subscribe(f"{name}.a", cb=answer)
    await foreign.flush()
    async with running(flow(SEND, server, name, block="nats-request"), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("send", 1)

    cause = caught.value.cause
    assert (type(cause), cause.code, cause.status) == (kind, "OCTO-N104", int(code))
    assert str(cause) == f"who answers '{name}.a' failed: {code} no such order"


@pytest.mark.parametrize("jetstream", ["true", "false"])
async def test_what_is_too_large_is_refused_clearly(server, foreign, name, stream, plugins, jetstream):
    text = flow(SEND, server, name, block="nats-publish", settings=f"jetstream: {jetstream}")
    async with running(text, plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("send", "x" * (foreign.max_payload + 1))

    assert (type(caught.value.cause), caught.value.cause.code) == (Permanent, "OCTO-N103")
    assert f"larger than the server allows ({foreign.max_payload:,} bytes)" in str(caught.value.cause)


async def test_a_stream_has_the_message_once_the_block_returns(server, foreign, stream, plugins):
    text = flow(SEND, server, stream, block="nats-publish", settings="jetstream: true, messageId: string(body)")
    async with running(text, plugins) as app:
        for body in (1, 1, 2):
            await app.call("send", body)
        state = (await foreign.jetstream().stream_info(stream)).state

    assert state.messages == 2


async def test_that_no_stream_takes_a_message_is_an_error(server, name, plugins):
    async with running(flow(SEND, server, name, block="nats-publish", settings="jetstream: true"), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("send", 1)

    assert caught.value.cause.code == "OCTO-N102"


@pytest.mark.parametrize("subject", ["", "a b", "a.*", ">", "a\r\nPUB x"])
async def test_a_subject_that_cannot_be_sent_to_is_refused(server, name, plugins, subject):
    text = flow(SEND, server, name, block="nats-publish").replace(f'"{name}.a"', "body")
    async with running(text, plugins) as app:
        with pytest.raises(Failure, match="is no subject to send to"):
            await app.call("send", subject)
