"""What flows do with Redis: a real server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from octo.connectors.redis import Redis, codes
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.engine.connections import StartError
from octo.testing import check_connector, running

FLOWS = """
connectors:
  - {name: store, type: redis, settings: {url: "URL"}}
  - {name: p, type: probe}
flows:
FLOW
"""
STREAM = """
  - name: work
    source: {connector: store, type: redis-stream, settings: {stream: NAME, group: g, lease: 1s, MORE}}
    process: [WORK]
"""
NOTE = '{type: note, connector: p, value: \'{"body": body, "vars": vars}\'}'

UNTIL = f"""
      {NOTE},
      {{connector: store, type: redis-command, settings: {{command: GET, args: ['"NAME:well"'], as: well}}}},
      {{type: if, condition: vars.well == null, then: [{{type: fail, connector: p, settings: {{how: transient}}}}]}}
"""
"""Fails for a while."""


@pytest.fixture
def run(redis, name, plugins):
    """Run flows on the server."""

    @asynccontextmanager
    async def start(flow, work=NOTE, more="listeners: 8"):
        flow = flow.replace("WORK", work).replace("MORE", more).replace("NAME", name)
        async with running(FLOWS.replace("URL", redis.url).replace("FLOW", flow), plugins) as app:
            yield app

    return start


async def until(condition):
    """Return when the condition holds; the limit is far beyond what it takes."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def notes(app):
    return app.connector("p").notes


def block(text):
    return f"""
  - name: call
    process: [{{connector: store, {text}}}]
"""


# --- the promises of every connector -----------------------------------------------------------------------------


async def test_it_is_a_good_connector(redis, name):
    def add(stream):
        async def feed(connector):
            await connector._link.run("XADD", stream, "*", "body", '{"n": 1}')

        return feed

    await check_connector(
        Redis,
        {"url": redis.url.replace("//", "//default:correct%20horse@")},
        sources={
            "redis-stream": {"stream": name, "group": "g", "lease": "1s"},
            "redis-subscribe": {"channels": [name]},
        },
        blocks={
            "redis-publish": {"channel": f'"{name}"'},
            "redis-stream-add": {"stream": f'"{name}:out"'},
            "redis-command": {"command": "GET", "args": ['"a"']},
        },
        message={"n": 1},
        feed={"redis-stream": add(name)},
        without=["redis-subscribe"],  # what is published before it listens is lost
        stub={"replies": [{"reply": "one"}]},
        triggers={"redis-stream": {"body": 1}, "redis-subscribe": {"body": 1}},
        quiet=2.5,
        patience=20,
    )


# --- streams -----------------------------------------------------------------------------------------------------


async def test_an_entry_becomes_a_message_and_is_acknowledged(run, ask, name):
    """Its fields are the body, or headers beside the field that is the body. What was there before comes, too."""
    ask("XADD", name, "1-1", "id", "42", "state", "paid")
    async with run(STREAM) as app:
        ask("XADD", name, "2-1", "body", '{"id": 43}', "Content-Type", "application/json", "source", "shop")
        await until(lambda: len(notes(app)) == 2)
        await until(lambda: ask("XPENDING", name, "g")[0] == 0)

    about = {"stream": name, "entry": "1-1", "headers": {}}
    assert notes(app)[0] == {"body": {"id": "42", "state": "paid"}, "vars": about}
    headers = {"Content-Type": "application/json", "source": "shop"}
    assert notes(app)[1] == {"body": {"id": 43}, "vars": {"stream": name, "entry": "2-1", "headers": headers}}
    assert ask("XLEN", name) == 2


async def test_a_new_group_begins_where_it_was_told(run, ask, name):
    ask("XADD", name, "*", "n", "before")
    async with run(STREAM, more="create: new") as app:
        await until(lambda: ask("XINFO", "GROUPS", name))
        ask("XADD", name, "*", "n", "after")
        await until(lambda: notes(app))

    assert [each["body"]["n"] for each in notes(app)] == ["after"]


@pytest.mark.parametrize("gone", [("XGROUP", "DESTROY"), ("DEL",)], ids=["group", "stream"])
async def test_a_group_for_what_is_new_that_is_removed_goes_on_where_it_was(run, ask, name, gone):
    """What came while there was none is new, too. What was there before it is not."""
    ask("XADD", name, "*", "n", "before")
    async with run(STREAM, more="create: new") as app:
        await until(lambda: ask("XINFO", "GROUPS", name))
        ask("XADD", name, "*", "n", "1")
        await until(lambda: notes(app) and ask("XPENDING", name, "g")[0] == 0)
        ask(*gone, name, *(("g",) if "DESTROY" in gone else ()))
        ask("XADD", name, "*", "n", "2")
        await until(lambda: len(notes(app)) == 2)

    assert [each["body"]["n"] for each in notes(app)] == ["1", "2"]


async def test_a_stream_that_was_another_kind_of_key_for_a_while_is_read_again(run, ask, name):
    """Without a restart: a person mends that where it is."""
    async with run(STREAM, more="create: all") as app:
        await until(lambda: ask("EXISTS", name))
        ask("SET", name, "no stream")
        await until(lambda: "WRONGTYPE" in app.generation.broken.get("work", ""))
        ask("DEL", name)
        ask("XADD", name, "*", "n", "1")
        await until(lambda: notes(app))


async def test_what_is_under_way_when_a_group_for_what_is_new_is_removed_comes_again_if_it_fails(run, ask, name):
    """Nobody else would try it again."""
    work = UNTIL.replace(NOTE, f"{NOTE}, {{type: delay, for: 2s}}")
    ask("XADD", name, "*", "n", "before")
    async with run(STREAM, work=work, more="create: new, maxAttempts: 50") as app:
        await until(lambda: ask("XINFO", "GROUPS", name))
        ask("XADD", name, "*", "n", "1")
        await until(lambda: notes(app))
        ask("XGROUP", "DESTROY", name, "g")
        await until(lambda: len(notes(app)) > 1)
        ask("SET", f"{name}:well", "1")
        await until(lambda: ask("XPENDING", name, "g")[0] == 0)


async def test_an_entry_is_removed_if_that_is_asked(run, ask, name):
    async with run(STREAM, more="delete: true") as app:
        ask("XADD", name, "*", "n", "1")
        await until(lambda: notes(app) and ask("XLEN", name) == 0)


async def test_an_entry_that_may_succeed_later_comes_again_with_the_next_attempt(run, ask, name):
    async with run(STREAM, work=UNTIL) as app:
        ask("XADD", name, "*", "n", "1")
        await until(lambda: len(notes(app)) >= 2)
        ask("SET", f"{name}:well", "1")
        await until(lambda: ask("XPENDING", name, "g")[0] == 0)


async def test_an_entry_that_fails_for_good_is_a_dead_letter_and_the_others_go_on(run, ask, name):
    """It stands in another stream as it came, with why, before it is acknowledged."""
    work = "{type: set-payload, value: '10 / int(body.n)'}, " + NOTE
    async with run(STREAM, work=work) as app:
        for number in ("1", "0", "2"):
            ask("XADD", name, "*", "n", number)
        await until(lambda: len(notes(app)) == 2 and ask("XLEN", f"{name}:dead") == 1)
        assert ask("XPENDING", name, "g")[0] == 0

    ((_, found),) = ask("XRANGE", f"{name}:dead", "-", "+")
    dead = dict(zip(found[::2], found[1::2], strict=True))
    assert (dead["n"], dead["dead-letter-stream"]) == ("0", name)
    assert "division by zero" in dead["dead-letter"] or "divi" in dead["dead-letter"]


@pytest.mark.parametrize("fields", [2, 20_000])
async def test_a_dead_letter_is_kept_however_many_fields_it_has(run, ask, name, fields):
    """A script cannot hand on that many."""
    many = [part for number in range(fields) for part in (f"f{number}", "v")]
    async with run(STREAM, work="{type: set-payload, value: '10 / int(body.n)'}") as app:
        ask("XADD", name, "*", *many, "n", "0")
        await until(lambda: ask("XLEN", f"{name}:dead") == 1 and ask("XPENDING", name, "g")[0] == 0)

    assert notes(app) == []


@pytest.mark.parametrize("gone", [("XTRIM", "MAXLEN", "0"), ("DEL",)], ids=["trimmed", "deleted"])
async def test_a_dead_letter_has_its_fields_also_if_the_stream_has_it_no_more(run, ask, name, gone, caplog):
    """Nobody else has them. It is under way, so it is not gone before it was worked on."""
    work = "{type: note, connector: p, value: body}, {type: delay, for: 3s}, {type: set-payload, value: '1 / 0'}"
    async with run(STREAM.replace("lease: 1s", "lease: 1m"), work=work) as app:
        ask("XADD", name, "*", "n", "1")
        await until(lambda: notes(app))
        ask(gone[0], name, *gone[1:])
        await until(lambda: ask("XLEN", f"{name}:dead") == 1)

    ((_, found),) = ask("XRANGE", f"{name}:dead", "-", "+")
    assert found[:2] == ["n", "1"]
    assert "gone before" not in caplog.text


async def test_garbage_reaches_no_flow(run, ask, name):
    """What is no JSON, and what is too large, is a dead letter at once."""
    async with run(STREAM, more="bodyType: json, maxBodyBytes: 100") as app:
        ask("XADD", name, "*", "body", "{broken")
        ask("XADD", name, "*", "body", '"' + "x" * 200 + '"')
        ask("XADD", name, "*", "wide", "x" * 200)
        ask("XADD", name, "*", "body", "1")
        await until(lambda: notes(app) and ask("XLEN", f"{name}:dead") == 3)

    assert [each["body"] for each in notes(app)] == [1]


async def test_what_another_consumer_left_is_taken_over_with_its_attempts(run, ask, name):
    """Once its lease is over."""
    ask("XGROUP", "CREATE", name, "g", "0", "MKSTREAM")
    ask("XADD", name, "1-1", "n", "1")
    ask("XREADGROUP", "GROUP", "g", "dead", "STREAMS", name, ">")
    work = "{type: note, connector: p, value: 'vars.entry'}"
    async with run(STREAM, work=work) as app:
        await until(lambda: notes(app) == ["1-1"] and ask("XPENDING", name, "g")[0] == 0)


async def test_an_entry_that_was_delivered_too_often_is_not_run(run, ask, name):
    """It may be what ended the process each time."""
    ask("XGROUP", "CREATE", name, "g", "0", "MKSTREAM")
    ask("XADD", name, "1-1", "n", "1")
    ask("XREADGROUP", "GROUP", "g", "dead", "STREAMS", name, ">")
    ask("XCLAIM", name, "g", "dead", "0", "1-1", "IDLE", "5000", "RETRYCOUNT", "9")
    async with run(STREAM) as app:
        await until(lambda: ask("XLEN", f"{name}:dead") == 1)

    assert notes(app) == []


async def test_a_flow_that_takes_long_keeps_its_entry(run, ask, name):
    """Longer than the lease."""
    async with run(STREAM, work=f"{{type: delay, for: 3s}}, {NOTE}") as app:
        ask("XADD", name, "*", "n", "1")
        await until(lambda: notes(app) and ask("XPENDING", name, "g")[0] == 0)
        await asyncio.sleep(0.5)

    assert len(notes(app)) == 1


async def test_entries_that_were_trimmed_unworked_are_told(run, ask, name, caplog):
    ask("XGROUP", "CREATE", name, "g", "0", "MKSTREAM")
    ask("XADD", name, "1-1", "n", "1")
    ask("XREADGROUP", "GROUP", "g", "dead", "STREAMS", name, ">")
    ask("XDEL", name, "1-1")
    async with run(STREAM):
        await until(lambda: any("gone before" in record.message for record in caplog.records))

    (record,) = (record for record in caplog.records if "gone before" in record.message)
    assert (record.fields["code"], record.fields["count"]) == (codes.TRIMMED, 1)


async def test_a_key_keeps_the_order_also_of_what_is_tried_again(run, ask, name):
    """One key holds up no other."""
    flow = STREAM.replace("MORE", "listeners: 8, key: body.k, maxAttempts: 50")
    async with run(flow, work=UNTIL) as app:
        for number in range(3):
            ask("XADD", name, "*", "k", "a", "n", number)
        await until(lambda: len(notes(app)) >= 2)
        assert {each["body"]["n"] for each in notes(app)} == {"0"}
        ask("SET", f"{name}:well", "1")
        await until(lambda: ask("XPENDING", name, "g")[0] == 0 and len(notes(app)) >= 4)

    order = [each["body"]["n"] for each in notes(app)]
    assert order == sorted(order)


async def test_with_a_key_what_was_left_comes_before_what_is_new(run, ask, name):
    """Without waiting for its lease: only one process reads."""
    ask("XGROUP", "CREATE", name, "g", "0", "MKSTREAM")
    for number in range(3):
        ask("XADD", name, "*", "k", "a", "n", number)
    ask("XREADGROUP", "GROUP", "g", "dead", "COUNT", "2", "STREAMS", name, ">")
    async with run(STREAM.replace("lease: 1s", "lease: 1h"), more="key: body.k") as app:
        await until(lambda: len(notes(app)) == 3)

    assert [each["body"]["n"] for each in notes(app)] == ["0", "1", "2"]


async def test_consumers_that_are_long_gone_are_forgotten(run, ask, name, monkeypatch):
    """Those with entries are not."""
    monkeypatch.setattr("octo.connectors.redis.stream.FORGOTTEN", -1)
    ask("XGROUP", "CREATE", name, "g", "0", "MKSTREAM")
    ask("XADD", name, "*", "n", "1")
    ask("XGROUP", "CREATECONSUMER", name, "g", "empty")
    ask("XREADGROUP", "GROUP", "g", "full", "STREAMS", name, ">")
    async with run(STREAM.replace("lease: 1s", "lease: 1h")) as app:
        ask("XADD", name, "*", "n", "2")
        await until(lambda: notes(app))
        names = {each[1] for each in ask("XINFO", "CONSUMERS", name, "g")}

    assert "full" in names
    assert "empty" not in names


# --- channels ----------------------------------------------------------------------------------------------------


async def test_channels_and_patterns_are_heard(run, ask, name):
    flow = """
  - name: hear
    source: {connector: store, type: redis-subscribe, settings: {channels: [NAME], patterns: ["NAME.*"]}}
    process: [WORK]
"""
    async with run(flow) as app:
        await until(lambda: ask("PUBLISH", name, '{"n": 1}') and ask("PUBLISH", f"{name}.x", "plain"))
        await until(lambda: len(notes(app)) >= 2)

    assert {"body": {"n": 1}, "vars": {"channel": name, "pattern": "", "headers": {}}} in notes(app)
    about = {"channel": f"{name}.x", "pattern": f"{name}.*", "headers": {}}
    assert {"body": "plain", "vars": about} in notes(app)


# --- blocks ------------------------------------------------------------------------------------------------------


async def test_an_entry_is_added(run, ask, name):
    """As body and headers, which a source takes apart again."""
    text = f"type: redis-stream-add, settings: {{stream: '\"{name}\"', headers: {{kind: body.kind}}, as: entry}}"
    async with run(block(text)) as app:
        outcome = await app.call("call", {"kind": "big"})

    ((entry, found),) = ask("XRANGE", name, "-", "+")
    sent = dict(zip(found[::2], found[1::2], strict=True))
    assert outcome.vars["entry"] == entry
    assert (sent["body"], sent["Content-Type"], sent["kind"]) == ('{"kind":"big"}', "application/json", "big")


async def test_fields_are_added_and_old_entries_removed(run, ask, name):
    fields = '\'{"id": body, "tags": [1, "a"], "note": "é"}\''
    text = f"type: redis-stream-add, settings: {{stream: '\"{name}\"', maxLength: 100, fields: {fields}}}"
    async with run(block(text)) as app:
        for number in range(400):
            await app.call("call", number)

    assert 100 <= ask("XLEN", name) < 300
    ((_, found),) = ask("XREVRANGE", name, "+", "-", "COUNT", "1")
    assert found == ["id", "399", "tags", '[1,"a"]', "note", "é"]


async def test_fields_that_are_no_map_fail(run, name):
    text = f"type: redis-stream-add, settings: {{stream: '\"{name}\"', fields: '[1]'}}"
    async with run(block(text)) as app:
        with pytest.raises(Failure, match="`fields` is no map"):
            await app.call("call", 1)


@pytest.mark.parametrize(
    ("command", "args", "reply"),
    [
        ("set", ["'\"NAME\"'", "body"], "OK"),
        ("GET", ["'\"NAME\"'"], None),
        ("INCRBY", ["'\"NAME\"'", "'41'"], 41),
        ("HSET", ["'\"NAME\"'", "'\"a\"'", "'1.5'"], 1),
        ("HGETALL", ["'\"NAME\"'"], {}),
        ("MGET", ["'\"NAME\"'", "'\"NAME\"'"], [None, None]),
    ],
)
async def test_a_command_is_run(run, name, command, args, reply):
    given = ", ".join(args).replace("NAME", name)
    async with run(block(f"type: redis-command, settings: {{command: {command}, args: [{given}], as: found}}")) as app:
        outcome = await app.call("call", "value")

    assert (outcome.body, outcome.vars) == ("value", {"found": reply})


async def test_a_hash_is_a_map_and_bytes_are_bytes(run, ask, name):
    ask("HSET", name, "a", "1", "b", "é")
    flow = block(f"type: redis-command, settings: {{command: HGETALL, args: ['\"{name}\"']}}")
    async with run(flow) as app:
        assert (await app.call("call")).body == {"a": "1", "b": "é"}


@pytest.mark.parametrize("value", [[1], {"a": 1}, True, None])
async def test_what_is_no_text_is_no_argument(run, name, value):
    async with run(block("type: redis-command, settings: {command: ECHO, args: [body]}")) as app:
        with pytest.raises(Failure, match=r"argument 1 is (a list|a map|a bool|null)"):
            await app.call("call", value)


async def test_what_the_server_refuses_fails_for_good(run, ask, name):
    ask("LPUSH", name, "a")
    async with run(block(f"type: redis-command, settings: {{command: GET, args: ['\"{name}\"']}}")) as app:
        with pytest.raises(Failure, match="WRONGTYPE") as caught:
            await app.call("call")

    assert (caught.value.cause.code, caught.value.cause.retryable) == (codes.REFUSED, False)


async def test_what_the_server_refuses_for_now_may_succeed_later(run, ask, name):
    async with run(block(f"type: redis-command, settings: {{command: SET, args: ['\"{name}\"', body]}}")) as app:
        ask("REPLICAOF", "127.0.0.1", "1")
        try:
            with pytest.raises(Failure, match="READONLY") as caught:
                await app.call("call", "a")
        finally:
            ask("REPLICAOF", "NO", "ONE")
        assert (caught.value.cause.code, caught.value.cause.retryable) == (codes.NOT_NOW, True)


@pytest.mark.parametrize("command", ["KEYS", "BLPOP", "FLUSHALL", "CONFIG", "EVAL", "MULTI", "SELECT", "GTE"])
async def test_a_command_that_is_not_for_flows_is_refused_before_anything_runs(run, command):
    with pytest.raises(ConfigError, match=f"{command} is no command for a flow"):
        async with run(block(f"type: redis-command, settings: {{command: {command}}}")):
            pass


async def test_arguments_beside_the_command_are_told_where_to_go(run):
    with pytest.raises(ConfigError, match="write `SET` alone; the rest goes into `args`"):
        async with run(block('type: redis-command, settings: {command: "SET a b"}')):
            pass


async def test_a_message_is_published(run, ask, name):
    """Nobody need listen."""
    async with run(block(f"type: redis-publish, settings: {{channel: '\"{name}\"'}}")) as app:
        assert (await app.call("call", {"a": 1})).body == {"a": 1}


# --- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("{url: 'redis://:hunter2@a b'}", "`url` is no address of Redis"),
        ("{url: 'http://:hunter2@db'}", "`url` is no address of Redis"),
        ("{url: 'redis://db', tls: {ca: ca.pem}}", "`tls` needs a `url`"),
        ("{url: 'rediss://db', tls: {cert: a.pem}}", "belong together"),
    ],
)
async def test_settings_that_cannot_be_meant_are_refused_without_the_password(plugins, settings, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        async with running(f"connectors: [{{name: store, type: redis, settings: {settings}}}]\nflows: []", plugins):
            pass
    assert "hunter2" not in str(caught.value)


async def test_tls_that_nobody_speaks_there_is_suggested(plugins, redis, monkeypatch):
    monkeypatch.setattr("octo.connectors.redis.link.CONNECT", 0.3)
    store = f"{{name: store, type: redis, settings: {{url: '{redis.url.replace('redis:', 'rediss:')}'}}}}"
    with pytest.raises(StartError, match=r"no answer in time; does it speak TLS at this port\?"):
        async with running(f"connectors: [{store}]\nflows: []", plugins):
            pass


@pytest.mark.parametrize("settings", ["{stream: a, group: g, deadLetters: a}", "{stream: a, group: g, lease: 10ms}"])
async def test_sources_that_could_not_work_are_refused(plugins, settings):
    source = f"source: {{connector: s, type: redis-stream, settings: {settings}}}"
    text = f"connectors: [{{name: s, type: redis}}]\nflows: [{{name: a, {source}, process: [{{type: log}}]}}]"
    with pytest.raises(ConfigError, match=r"stream itself|at least 1s"):
        async with running(text, plugins):
            pass
