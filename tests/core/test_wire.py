"""What brokers carry becomes a message, and a message becomes that again, alike for every broker."""

from __future__ import annotations

import pytest

from octo.core import wire
from octo.core.errors import Permanent
from octo.core.message import Message
from octo.core.wire import Giving, Taking

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
KINDS = ["application/json", "application/vnd.shop+json; charset=utf-8"]


def taking(**settings):
    return Taking.model_validate(settings)


def giving(**settings):
    return Giving.model_validate(settings)


def read(data, kind="", **settings):
    return wire.taken(data, [("Content-Type", kind)] if kind else [], taking(**settings), {})


# --- in ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "kind", "body"),
    [
        *((b'{"a": 1.50}', kind, {"a": 1.5}) for kind in KINDS),
        (b"", "application/json", None),
        (b"12", "text/plain", "12"),
        (b"gr\xfcn", "text/plain; charset=latin-1", "grün"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"12", "image/png", b"12"),
        (b'{"a": 1}', "", {"a": 1}),
        (b"hello", "", "hello"),
        (b"\xff\x00", "", b"\xff\x00"),
        (b"", "", None),
    ],
)
def test_a_body_is_what_its_content_type_says_and_without_one_what_it_can_be(data, kind, body):
    assert read(data, kind).message.body == body
    assert read(data, kind).unfit is None


@pytest.mark.parametrize(
    ("body_type", "body"),
    [("json", 12), ("text", "12"), ("bytes", b"12"), ("raw", {"contentType": "image/png", "rawData": b"12"})],
)
def test_settings_say_what_the_body_is_whatever_its_content_type(body_type, body):
    message = read(b"12", "image/png", bodyType=body_type).message

    assert (message.body, message.raw) == (body, body_type == "raw")


def test_a_content_type_that_the_protocol_has_a_place_for_wins():
    taken = wire.taken(b"12", [("content-type", "text/plain")], taking(), {}, content_type="application/json")

    assert taken.message.body == 12


@pytest.mark.parametrize(
    ("data", "kind", "settings", "told"),
    [
        (b'{"a":', "application/json", {}, "cannot be read, which its content type 'application/json' says: not valid"),
        (b"\xff", "text/plain", {}, "the content is not utf-8"),
        (b"hello", "", {"bodyType": "json"}, "the body cannot be read: not valid JSON"),
        (b"\xff", "", {"bodyType": "text"}, "the content is not utf-8"),
        (b"[1,2,3]", "", {"maxBodyBytes": 6}, "the body has 7 bytes, at most 6 (`maxBodyBytes`)"),
    ],
)
def test_what_is_not_as_it_should_be_is_unfit_and_kept_as_it_came(data, kind, settings, told):
    """So it can go among the dead letters, and whoever looks there finds what was sent."""
    message, unfit = read(data, kind, **settings)

    assert told in str(unfit)
    assert message.raw
    assert wire.written(message.body, raw=True) == (kind or "application/octet-stream", data)


def test_of_a_body_that_is_too_large_the_beginning_is_kept():
    message, unfit = read(bytes(1_100_000))

    assert str(unfit) == "the body has 1,100,000 bytes, at most 1,048,576 (`maxBodyBytes`)"
    assert len(message.body["rawData"]) == wire.KEPT


def test_headers_are_a_variable_beside_those_of_the_connector():
    headers = [("a", b"1"), ("b", b"\xff"), ("c", "x"), ("c", "y"), ("d", [1, {"e": b"f"}]), ("n", None)]
    message = wire.taken(b"", headers, taking(), {"subject": "s"}).message

    found = {"a": "1", "b": b"\xff", "c": ["x", "y"], "d": [1, {"e": "f"}], "n": None}
    assert message.vars == {"subject": "s", "headers": found}


def test_correlation_id_and_trace_come_as_headers():
    headers = [("x-correlation-id", "c-1"), ("Traceparent", PARENT), ("tracestate", "a=b")]
    message = wire.taken(b"", headers, taking(), {}).message

    assert (message.correlation_id, message.traceparent) == ("c-1", f"{PARENT}\na=b")


@pytest.mark.parametrize("id_", ["x" * 129, "a\nb", "ü", b"\xff", ["a", "b"]])
def test_a_correlation_id_that_is_not_fit_for_logs_is_none(id_):
    assert wire.taken(b"", [("X-Correlation-Id", id_)], taking(), {}).message.correlation_id == ""


def test_a_message_that_comes_again_has_the_same_id():
    ids = {wire.identity("orders", 1), wire.identity("orders", 1), wire.identity("orders", 2)}

    assert len(ids) == 2
    assert wire.taken(b"", [], taking(), {}, event_id=wire.identity("a")).message.event_id == wire.identity("a")


# --- out ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "data"),
    [
        ({"a": 1}, "application/json", b'{"a":1}'),
        (None, "application/json", b"null"),
        ("12", "text/plain; charset=utf-8", b"12"),
        (b"12", "application/octet-stream", b"12"),
        ({"contentType": "text/csv; charset=latin-1", "rawData": "ü"}, "text/csv; charset=latin-1", b"\xfc"),
    ],
)
def test_a_body_comes_back_as_it_went_out(body, kind, data):
    sent = wire.given(giving(), Message(body))

    assert (sent.content_type, sent.data) == (kind, data)
    back = wire.taken(sent.data, [], taking(), {}, content_type=sent.content_type).message.body
    assert back == (body if kind[:8] != "text/csv" else "ü")


def test_a_text_with_half_a_character_cannot_be_sent():
    with pytest.raises(Permanent, match="half a character"):
        wire.given(giving(), Message("\ud800"))


def test_headers_come_from_expressions_and_from_the_message():
    settings = giving(headers={"n": "body.n", "no": "null", "yes": "true", "x": "'y'"}, body="'b'", contentType="a/b")
    sent = wire.given(settings, Message({"n": 1}, correlation_id="c", traceparent=f"{PARENT}\na=b"))

    own = {"traceparent": PARENT, "tracestate": "a=b", "X-Correlation-Id": "c"}
    assert sent == (b"b", "a/b", {**own, "n": "1", "yes": "true", "x": "y"})


@pytest.mark.parametrize("value", ['"a\\r\\nb: c"', "[1]", "{'a': 1}", "b'a'"])
def test_a_header_is_one_line(value):
    """Else a message could add headers of its own."""
    with pytest.raises(Permanent, match="the header 'h' "):
        wire.given(giving(headers={"h": value}), Message())
