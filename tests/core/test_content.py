"""Raw content in a message: how expressions see it, and how it goes out. Charsets: tests/core/test_charsets.py."""

from __future__ import annotations

import pytest

from octo.core import content
from octo.core.content import Held, raw
from octo.core.expressions import Build, Expr
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.spool import Content, Spool
from octo.expr import ExprError, limits


def spooled(data: bytes) -> Content:
    spool = Spool(threshold=10)
    spool.write(data)
    found = spool.finish()
    assert isinstance(found, Content)
    return found


class Example(Settings):
    value: Expr[object]


def value(text: str, body: object) -> object:
    return Example.model_validate({"value": text}, context=Build()).value(Message(body, raw=True))


def test_expressions_see_its_bytes():
    body = Held(contentType="image/png", rawData=spooled(b"x" * 20))

    assert value("body.rawData", body) == b"x" * 20
    assert value("size(body.rawData)", body) == 20
    assert value('body["raw" + "Data"] == b"' + "x" * 20 + '"', body) is True
    assert value("body.?rawData.orValue(b'')", body) == b"x" * 20
    assert value("body.map(k, body[k])", body) == ["image/png", b"x" * 20]
    assert value("body.transformMap(k, v, size(v))", body) == {"contentType": 9, "rawData": 20}
    assert value("has(body.rawData) && 'rawData' in body", body) is True


def test_python_reads_it_like_any_dict():
    body = Held(contentType="text/plain", rawData=spooled(b"x" * 20))
    plain = {"contentType": "text/plain", "rawData": "x" * 20}

    assert dict(body.items()) == plain
    assert list(body.values()) == list(plain.values())
    assert (body["rawData"], body.get("rawData"), body.get("other", 1)) == ("x" * 20, "x" * 20, 1)


def test_who_hands_it_on_does_not_read_it(monkeypatch):
    content = spooled(b"x" * 20)
    monkeypatch.setattr("octo.core.content.MAX_SIZE", 10)
    body = Held(contentType="image/png", rawData=content)

    assert value("body", body) is body
    assert dict.get(value('{"a": body, "n": 1u}', body)["a"], "rawData") is content  # type: ignore[index]


def test_what_is_too_large_for_an_expression_is_an_error(monkeypatch):
    monkeypatch.setattr("octo.core.content.MAX_SIZE", 19)
    body = Held(contentType="image/png", rawData=spooled(b"x" * 20))

    with pytest.raises(
        ExprError, match="content of 20 bytes is too large for an expression \\(at most 19\\)"
    ) as caught:
        value("body.rawData", body)
    assert (caught.value.code, caught.value.hint) == ("OCTO-E207", "Pass it on as the body")
    body = Held(contentType="image/png", rawData=spooled(b"x" * 19))
    assert value("size(body.rawData)", body) == 19
    assert limits.MAX_SIZE == 16 * 1024 * 1024


def test_large_content_is_not_read_on_its_way():
    spool = Spool(threshold=4)
    spool.write(b"12345")
    spooled = spool.finish()
    body = raw(spooled, "text/plain")

    assert isinstance(spooled, Content)
    assert content.out(body)[1] is spooled
    assert body["rawData"] == "12345"


@pytest.mark.parametrize(
    ("body", "out"),
    [
        ({"contentType": "text/plain; charset=iso-8859-1", "rawData": "\u00e9"}, b"\xe9"),
        ({"contentType": "image/png", "rawData": b"\xe9"}, b"\xe9"),
        ({"contentType": "image/png", "rawData": None}, b""),
        ({"contentType": "image/png"}, b""),
        ({"rawData": b"x"}, b"x"),
        ("no raw body", b""),
        (None, b""),
    ],
)
def test_what_goes_out_is_bytes(body, out):
    said = body.get("contentType") if isinstance(body, dict) else None
    assert content.out(body) == (said or "application/octet-stream", out)


@pytest.mark.parametrize(
    ("data", "content_type", "seen"),
    [(b"\xe9", "text/plain; charset=iso-8859-1", "\u00e9"), (b"\xe9", "image/png", b"\xe9")],
)
def test_what_comes_in_is_text_or_bytes_by_its_content_type(data, content_type, seen):
    assert raw(data, content_type) == {"contentType": content_type, "rawData": seen}
