"""Records hold what went in and came out: without loss, limited in size, and without secrets and declared fields."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.core import content, secrets
from octo.core.errors import Permanent
from octo.core.flow import Failure
from octo.core.message import Message
from octo.core.record import pack
from octo.core.spool import Spool
from octo.expr.values import Duration, Exact, Timestamp
from octo.testing.harness import running
from octo.trace.crossing import AFTER, BEFORE, Broken, Spot, Trace
from octo.trace.encode import MOST_ERROR, encode
from octo.trace.packed import records
from octo.trace.record import MASKED, states
from octo.trace.recorder import Recorder


@pytest.fixture
def secret():
    """Registered for this test only."""
    before = secrets._secrets

    def register(text):
        secrets.mask(text)
        return text

    yield register
    secrets._secrets = before


def a_trace(message, outcome=None, *, flow="f", mask=(), **effect):
    """A trace of a flow that returns `outcome` at once."""
    crossing = [Spot(flow, None, frozenset(mask)), None, message, 10, outcome or message, 20]
    trace = Trace(crossing, 1_000)
    if effect:
        trace.effect("http", effect)
    return trace


# --- what was recorded is what is read -------------------------------------------------------------------------------

value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
constant = value.map(lambda it: json.dumps(it) if not _has_large(it) else "body")
name = st.sampled_from(["a", "b", "c"])
leaf = st.one_of(
    constant.map(lambda text: {"type": "set-payload", "value": text}),
    st.just({"type": "set-payload", "value": "[body]"}),
    st.tuples(name, constant).map(lambda it: {"type": "set-variable", "settings": {"name": it[0], "value": it[1]}}),
    st.just({"type": "set-variable", "settings": {"name": "kept", "value": "body"}}),
    name.map(lambda it: {"type": "delete-variable", "settings": {"name": it}}),
    st.just({"type": "filter", "expr": "size(vars) < 4"}),
    st.just({"type": "set-payload", "value": "vars.a.b"}),
    st.just({"type": "flow-ref", "flow": "g"}),
    st.just({"type": "flow-ref", "flow": "g", "oneWay": True}),
)
LOG = {"type": "log", "message": "vars.error.message"}
chain = st.recursive(
    st.lists(leaf, max_size=3),
    lambda inner: st.lists(
        leaf
        | inner.map(lambda it: {"type": "if", "condition": "has(vars.a)", "then": it, "else": it[:1]})
        | inner.map(
            lambda it: {"type": "fork", "branches": [{"name": "x", "process": it}, {"name": "y", "process": it}]}
        )
        | inner.map(lambda it: {"type": "foreach", "items": "[1, 2]", "mode": "map", "body": it})
        | inner.map(lambda it: {"type": "foreach", "items": "[1, 2]", "body": it})
        | inner.map(lambda it: {"type": "handle-errors", "process": it, "error": it[:1] or [LOG]}),
        max_size=3,
    ),
    max_leaves=5,
)


def _has_large(it):
    """CEL has no literal for these: integers beyond 64 bits, lone surrogates, characters that YAML refuses."""
    if isinstance(it, int) and not isinstance(it, bool):
        return abs(it) >= 2**63
    if isinstance(it, str):
        return not it.isascii() or not it.isprintable()
    if isinstance(it, list):
        return any(map(_has_large, it))
    return isinstance(it, dict) and any(_has_large(key) or _has_large(each) for key, each in it.items())


@given(process=chain, body=value, variables=st.dictionaries(name, value, max_size=2))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_records_put_together_are_the_messages_that_were_seen(plugins, process, body, variables):
    """For any chain, `states` returns exactly what went into, and came out of, every block and flow."""
    kept = []
    flows = [
        {"name": "f", "process": process},
        {"name": "g", "process": [{"type": "set-payload", "value": "[body, 1]"}]},
    ]
    async with running(json.dumps({"flows": flows}), plugins, observer=Recorder(kept.append)) as app:
        with suppress(Failure):
            await app.call("f", body, variables)
    for trace in kept:
        found = states(records(encode(trace).data))
        for crossing, state in zip(trace.crossings, found, strict=True):
            before, after = crossing[BEFORE], crossing[AFTER]
            assert state.before == (before.body, dict(before.vars), False)
            assert state.after == ((after.body, dict(after.vars), False) if isinstance(after, Message) else None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(2**80, id="integer beyond 64 bits"),
        pytest.param({"a": [10**300]}, id="such an integer inside"),
        pytest.param("", id="no text"),
        pytest.param(-0.0, id="negative zero"),
    ],
)
def test_every_json_value_is_read_as_it_was(body):
    [record] = records(encode(a_trace(Message(body, {"v": body, "\ud800": 1}))).data)

    assert record["input"] == {"body": body, "vars": {"v": body, "\ud800": 1}}


@pytest.mark.parametrize("body", [{1, 2}, object(), math.inf, {("a", 1): 2}, [b"x"]])
def test_what_is_no_json_does_no_harm(body):
    """Blocks of other packages may put any object into a message; the trace can still be read."""
    [record] = records(encode(a_trace(Message(body), Message("fine"))).data)

    assert record["output"] == {"body": "fine"}


def test_a_value_nested_without_end_does_no_harm():
    body = []
    for _ in range(5000):
        body = [body]
    [record] = records(encode(a_trace(Message(body))).data)

    assert record["outcome"] == "completed"


def test_what_stayed_the_same_is_not_repeated(plugins):
    before = Message([1, 2], {"a": 1, "b": 2})
    [record] = records(encode(a_trace(before, before.with_var("a", 3))).data)

    assert record["output"] == {"set": {"a": 3}}


async def test_the_loop_variable_is_all_that_differs_inside_a_loop(record):
    """A large body is not repeated for each of a thousand elements of a loop."""
    [trace] = await record(
        "flows: [{name: f, process: [{type: foreach, items: '[7]', mode: map, body: [{type: filter, expr: 'true'}]}]}]",
        ["large"] * 100,
    )

    assert trace[2]["input"] == {"set": {"item": 7}}
    assert trace[2]["from"] == trace[2]["parent"]


def _spooled(data, content_type):
    spool = Spool(threshold=10)
    spool.write(data)
    return content.raw(spool.finish(), content_type)


BINARY = bytes(range(256))
HARD = [
    pytest.param(BINARY, id="bytes"),
    pytest.param({"a": [b"", Exact("0.1234567890123456789")]}, id="inside"),
    pytest.param(Timestamp(1_774_744_200_123_456_789), id="timestamp"),
    pytest.param(Duration(-5), id="duration"),
    pytest.param("\ud800", id="half a character"),
    pytest.param({"\ud800": 1}, id="half a character as a name"),
    pytest.param({"$bytes": "aGk="}, id="what looks like bytes"),
    pytest.param([{"$ref": "#/x"}], id="what looks like something special"),
    pytest.param({1: True, "x": {2.5: None}}, id="keys that are no texts"),
    pytest.param(content.raw(BINARY, "image/png"), id="raw bytes"),
    pytest.param(content.raw("größe".encode("latin-1"), "text/csv; charset=iso-8859-1"), id="raw text"),
    pytest.param(content.raw("größe".encode("utf-16-be"), "text/xml; charset=utf-16be"), id="raw UTF-16"),
    pytest.param(content.raw(b"\xfe\xff" + "ß".encode("utf-16-be"), "text/xml; charset=utf-16"), id="the bytes too"),
    pytest.param(_spooled(BINARY, "image/png"), id="large content"),
]


@pytest.mark.parametrize("body", HARD)
def test_every_value_comes_back_as_it_was(body):
    """Every value comes back byte for byte and digit for digit, as a body and as a variable of any name."""
    trace = a_trace(Message(body, {"v": body, "$x": 1}, raw=True), Message(b"new", {"v": body, "$x": 1, "w": body}))
    [state] = states(records(encode(trace).data))

    assert _exact(state.before.body) == _exact(body)
    assert _exact(state.before.vars) == _exact({"v": body, "$x": 1})
    assert _exact(state.after.vars) == _exact({"v": body, "$x": 1, "w": body})
    assert (state.before.raw, state.after.body, state.after.raw) == (True, b"new", False)


def _exact(value):
    """The value with its types and bytes; small content comes back as bytes."""
    return repr(pack(value)).replace("$content", "$bytes")


def test_a_body_that_only_became_raw_is_told(plugins):
    before = Message({"contentType": "text/plain", "rawData": "x"})
    [state] = states(records(encode(a_trace(before, before.with_body(before.body, raw=True))).data))

    assert (state.before.raw, state.after.raw) == (False, True)
    assert state.after.body == before.body


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "large", ["x" * 40_000, ["x" * 100] * 1000, {"rows": [{"a": "b" * 50}] * 2000}, {str(n): n for n in range(20_000)}]
)
def test_large_payloads_are_left_out_and_noted(large):
    [record] = records(encode(a_trace(Message(large, {"v": large, "w": 1}), Message(1, {"v": 1, "n": large}))).data)

    assert record["input"] == {"body": None, "vars": {"v": None, "w": 1}}
    assert record["output"] == {"body": 1, "set": {"v": 1, "n": None}, "unset": ["w"]}
    assert set(record["omitted"]) == {"input.body", "input.vars.v", "output.set.n"}
    assert all(size > 32 * 1024 for size in record["omitted"].values())


def test_the_bound_is_on_each_payload():
    fits = "x" * 30_000
    encoded = encode(a_trace(Message(fits, {"v": fits})))

    assert "omitted" not in records(encoded.data)[0]
    assert encoded.weight > 30_000


@pytest.mark.parametrize(
    "body",
    [
        bytes(30_000),
        content.raw(bytes(30_000), "image/png"),
        _spooled(bytes(30_000), "image/png"),
        content.raw(b"\xfe\xff" + bytes(15_000) + "x".encode("utf-16-be"), "text/xml; charset=utf-16"),
    ],
)
def test_bytes_are_as_large_as_they_are(body):
    """Bytes count as themselves, not as their base64; one that is over the limit is noted with its own size."""
    [fits] = states(records(encode(a_trace(Message(body)), 31_000).data))
    [left_out] = records(encode(a_trace(Message(body)), 10_000).data)

    assert _exact(fits.before.body) == _exact(body)
    assert left_out["input"]["body"] is None
    assert 10_000 < left_out["omitted"]["input.body"] <= 31_000


# --- what must not be seen -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["s3cret-token", "pä ss/wörd", 'with "quotes"', "back\\slash\n", "12345678", "ключ “x”", 'ä"quote']
)
def test_a_registered_secret_is_in_no_byte(secret, text):
    secret(text)
    holding = {"deep": [{"in": f"Bearer {text}!"}], text: 1, "url": f"https://h/?k={quote(text, safe='')}"}
    trace = a_trace(Message(holding, {"v": text}, "", text), Message([text]), url=f"https://h/{text}", sent=[text])
    encoded = encode(trace)
    everything = repr(encoded) + json.dumps(records(encoded.data), ensure_ascii=False)

    for form in (text, quote(text, safe=""), json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        assert form not in everything.replace(str(trace.wall(0)), "")
    assert "«secret»" in everything


@pytest.mark.parametrize(
    "make",
    [
        lambda text: text.encode(),
        lambda text: b"\xff\x00" + text.encode("latin-1"),
        lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
        lambda text: b"\x01\x00" + text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: content.raw(text.encode(), "image/svg"),
        lambda text: content.raw(b"\xfe\xff" + text.encode("utf-16-be"), "text/plain; charset=utf-16"),
        lambda text: _spooled(text.encode() * 2, "application/pdf"),
    ],
)
def test_a_registered_secret_in_bytes_is_masked(secret, make):
    """Secrets in bytes are hidden in any charset, although the trace shows the bytes as base64."""
    secret("s3cret-token")
    [state] = states(records(encode(a_trace(Message({"deep": [make("has s3cret-token in it")], "x": b"\xff"}))).data))
    shown = repr(pack(state.before.body)) + repr(_bytes_of(state.before.body))

    assert "s3cret-token" not in shown.replace("\\x00", "")
    assert "«secret»" in shown or "«masked»" in shown
    assert state.before.body["x"] == b"\xff"


def _bytes_of(value):
    """All bytes in a value, as texts."""
    if isinstance(value, dict | list):
        return [_bytes_of(each) for each in (value.values() if isinstance(value, dict) else value)]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def test_declared_fields_in_bytes_that_are_json_are_masked():
    """A copy that is bytes is hidden too."""
    body = {"doc": b'{"card": "4111-1111", "sum": 5}', "card": b"\xff5500-0000", "copy": b"no. 4111-1111"}
    [state] = states(records(encode(a_trace(Message(body), mask=["card"])).data))

    assert state.before.body == {
        "doc": '{"card":"«masked»","sum":5}'.encode(),
        "card": MASKED,
        "copy": "no. «masked»".encode(),
    }


def test_a_secret_that_is_a_number_is_masked_too_and_times_stay_times(secret):
    secret("20261122")
    trace = a_trace(Message({"pin": 20261122}))
    trace.at = 20261122_000_000_000
    [record] = records(encode(trace).data)

    assert record["input"]["body"] == {"pin": "«secret»"}
    assert record["at"] == 20261122_000_000_000


async def test_a_secret_in_an_error_is_masked(record, secret):
    secret("tok-123456")
    [trace] = await record(
        "flows: [{name: f, process: [{type: set-payload, value: 'int(body)'}]}]", "no number: tok-123456"
    )

    assert "tok-123456" not in json.dumps(trace)


@pytest.mark.parametrize("size", [MOST_ERROR + 1, 200_000])
def test_the_text_of_an_error_is_bounded(size):
    trace = a_trace(Message(1), Broken("failed", {"message": "x" * size, "code": "OCTO-R190", "status": 500}))
    [record] = records(encode(trace).data)

    assert record["error"] == {"message": "x" * MOST_ERROR + "...", "code": "OCTO-R190", "status": 500}


def test_what_is_hidden_in_an_error_is_hidden_before_it_is_cut(secret):
    secret("tok-123456")
    message = "x" * (MOST_ERROR - 15) + "4111-1111 tok-123456" + "x" * 100
    trace = a_trace(Message({"card": "4111-1111"}), Broken("failed", {"message": message}), mask=("card",))
    [record] = records(encode(trace).data)

    assert record["error"]["message"].rstrip(".").endswith("«masked» «secre")


def test_declared_fields_are_masked_wherever_they_are():
    body = {"card": "4111-1111", "people": [{"iban": {"no": "DE1234567"}, "name": "Ada"}], "note": "card 4111-1111"}
    trace = a_trace(
        Message(body, {"iban": "DE1234567", "copy": ["4111-1111"]}),
        Message({"other": "4111-1111"}),
        mask=("card", "iban"),
        url="https://bank/4111-1111",
    )
    [record] = records(encode(trace).data)

    assert record["input"]["body"] == {
        "card": MASKED,
        "people": [{"iban": MASKED, "name": "Ada"}],
        "note": f"card {MASKED}",
    }
    assert record["input"]["vars"] == {"iban": MASKED, "copy": [MASKED]}
    assert record["effects"][0]["url"] == f"https://bank/{MASKED}"
    assert "4111-1111" not in repr(encode(trace))
    assert "DE1234567" not in repr(encode(trace))


def test_a_field_that_a_called_flow_declares_is_masked_in_its_caller():
    trace = a_trace(Message({"pin": "998877"}))
    message = Message({"pin": "998877"})
    trace.crossings.append([Spot("g", None, frozenset({"pin"})), trace.crossings[0], message, 11, message, 12])

    assert "998877" not in repr(encode(trace))


@pytest.mark.parametrize("large", ["x" * 80_000, ["x" * 100] * 5_000])
def test_a_field_is_masked_in_copies_from_what_is_too_large(large):
    body = {"payment": {"blob": large, "card": "4111222233334444"}}
    trace = a_trace(Message(body), Message({"copied": "4111222233334444"}, {"was": body}), mask=("card",))
    [record] = records(encode(trace).data)

    assert set(record["omitted"]) == {"input.body", "output.set.was"}
    assert record["output"]["body"] == {"copied": MASKED}


async def test_the_error_of_a_flow_with_declared_fields_does_not_quote_them(plugins):
    class Masking(Recorder):
        def flow(self, doc, build):
            class Declared:
                name, mask = doc.name, ("card",)

            return super().flow(Declared, build)

        def step(self, step):
            def call(message):
                raise Permanent(f"no such card: {message.body['card']}")

            return super().step(step._replace(call=call))

    kept = []
    text = "flows: [{name: f, process: [{type: set-payload, value: body}]}]"
    async with running(text, plugins, observer=Masking(kept.append)) as app:
        with pytest.raises(Failure):
            await app.call("f", {"card": "4111-1111"})

    assert "4111-1111" not in repr(encode(kept[0]))
    assert records(encode(kept[0]).data)[0]["error"]["message"].endswith(f"no such card: {MASKED}")


# --- the rest --------------------------------------------------------------------------------------------------------


def test_each_line_stands_alone():
    encoded = encode(a_trace(Message(1, {}, "event", "correlation")))
    summary = encoded.summary

    assert encoded.data.endswith(b"\n")
    assert records(encoded.data)[0]["trace"] == summary.trace
    assert (summary.flow, summary.event, summary.correlation) == ("f", "event", "correlation")
    assert (summary.at, summary.duration, summary.outcome) == (1000, 10, "completed")


def test_losses_are_told_in_the_record_before(make):
    lossy = make().after_loss(3, 77).after_loss(2, 78)

    assert records(lossy.data)[:2] == [
        {"kind": "dropped", "at": 78, "count": 2},
        {"kind": "dropped", "at": 77, "count": 3},
    ]
    assert lossy.summary.lost == 5


@pytest.mark.parametrize("junk", [b'{"kind":"fl', b"\xff\xfe", b"[1]", b"", b"nonsense"])
def test_a_line_that_is_no_record_is_passed(make, junk):
    data = make().data

    assert records(data + junk + b"\n" + data) == records(data) * 2
