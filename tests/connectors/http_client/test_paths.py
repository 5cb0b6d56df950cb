"""Paths: what is a text, what an expression, and that no value leads out of the base."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError
from yarl import URL

from octo.connectors.http_client import Rest
from octo.connectors.http_client.caller import join
from octo.core.errors import Permanent
from octo.core.message import Message

BASE = URL("http://h/v1")


def repr_of(value):
    """A name of bounded length."""
    return repr(value)[:20]


def path(text, body=None, **variables):
    """The path and query that are asked for."""
    made = Rest.model_validate({"path": text}).path
    encoded = made.fixed is None and not made.is_expression
    return join(BASE, made(Message(body, variables)), encoded=encoded).raw_path_qs.removeprefix("/v1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/users", "/users"),
        ("users", "/users"),
        ("", ""),
        ("?a=1", "?a=1"),
        ("items:search", "/items:search"),
        ("/v1/items:batchGet", "/v1/items:batchGet"),
        ("now", "/now"),
        ("body", "/body"),
        ("users.json", "/users.json"),
        ("vars/list", "/vars/list"),
        ("/Users('a')", "/Users('a')"),
        ("it's", "/it's"),
        ("/50%25", "/50%25"),
        ("/a?b=/:c", "/a?b=/:c"),
        ("/100%", "/100%25"),
        ("/users\n", "/users"),
    ],
)
def test_a_text_without_placeholders_is_sent_as_it_is(text, expected):
    """As files for the Go runtime have them."""
    assert path(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"/users/" + vars.id', "/users/a b"),
        ("'/users/' + vars.id", "/users/a b"),
        ('"/users/" + vars.id + "/"', "/users/a b/"),
        ("vars.path", "/p/q"),
        ("string(vars.n)", "/7"),
        ('vars.n > 5 ? "/big" : "/small"', "/big"),
        ('"/s?q=" + vars.id', "/s?q=a+b"),
        ('"/users/" + vars.query', "/users/1%3Fadmin=1%23x"),
    ],
)
def test_an_expression_makes_the_whole_path(text, expected):
    """A question mark begins a query only if the author wrote it."""
    found = path(text, id="a b", path="/p/q", n=7, query="1?admin=1#x")

    assert found == expected.replace("a b", "a%20b")


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("50%", "50%25"),
        ("%2e%2e", None),
        ("..", None),
        (".", None),
        ("../admin", None),
        ("a/../../b", None),
        ("..\\b", None),
        ("..;a", None),
        ("...", "..."),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("a;b", "a%3Bb"),
        ("é b", "%C3%A9%20b"),
        ("//evil.example", "%2F%2Fevil.example"),
        ("https://evil.example", "https%3A%2F%2Fevil.example"),
        ("a:b@c;d", "a%3Ab%40c%3Bd"),
        (7, "7"),
        (7.0, "7"),
        (1.5, "1.5"),
        (True, "true"),
    ],
)
def test_a_value_is_one_segment(value, segment):
    """Whatever is in it, or it is refused."""
    if segment is None:
        with pytest.raises(Permanent, match=r"a segment of `\.` or `\.\.`"):
            path("/users/{vars.id}/x", id=value)
    else:
        assert path("/users/{vars.id}/x", id=value) == f"/users/{segment}/x"


@pytest.mark.parametrize("value", ["", None, [1], {"a": 1}, b"x", "a\ud800", "a\nb", "a\0", "a" * 65_537], ids=repr_of)
@pytest.mark.parametrize("text", ["/users/{vars.id}", "users/{vars.id}/x", "/u/{vars.id}.json"])
def test_a_value_that_is_none_is_refused(text, value):
    """`/users/` is another address than `/users/7`."""
    with pytest.raises(Permanent, match=r"`\{vars\.id\}` of the path") as caught:
        path(text, id=value)

    assert caught.value.code == "OCTO-H164"


def test_placeholders_hold_any_expression():
    """With braces and quotes of their own, several in one segment, and in the query."""
    text = '/{vars.kinds["}"]}/{ {"a": "x"}["a"] }-{body.n + 1}?q={vars.q}&e={vars.e}'

    assert path(text, {"n": 1}, kinds={"}": "k"}, q="a&b=c", e="") == "/k/x-2?q=a%26b%3Dc&e="


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("vars.path", "http://evil.example/"),
        ("vars.path", "//evil.example/"),
        ("vars.path", "\\\\evil.example/"),
        ("vars.path", "/a/../b"),
        ("vars.path", "/a/%2e%2E/b"),
        ("vars.path", "/a/..%2fb"),
        ("vars.path", "/a/%252e%252e/b"),
        ("vars.path", "/a\\..\\b"),
        ("vars.path", "/a/..;/b"),
        ("vars.path", "/a/%2e.;x/b"),
        ("vars.path", "/a//b"),
        ("vars.path", "/a\n"),
        ("vars.path", None),
        ("vars.path", ["/a"]),
        ('"/users/" + vars.path', ""),
        ('"/users/" + vars.path + "/x"', ""),
        ('"/users/" + vars.path', ".."),
    ],
)
def test_an_expression_does_not_lead_out_of_the_base(text, value):
    """Nor to another address because a value is empty."""
    with pytest.raises(Permanent) as caught:
        path(text, path=value)

    assert caught.value.code == "OCTO-H164"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/users/{id}", r"write `\{vars\.id\}` for a variable"),
        ("/users/{id...}", r"write `\{vars\.id\}`"),
        ("/users/{id:[0-9]+}", r"write `\{vars\.id\}`"),
        ("/users/{}", r"e\.g\. `\{vars\.id\}`"),
        ("/users/:id", r"`:id` would be sent as it is; write `\{vars\.id\}`.*%3A"),
        (":id/x", r"write `\{vars\.id\}`"),
        ("/users/{{id}}", r"`\{\{id\}\}` would be sent as it is; write `\{vars\.id\}`"),
        ("/users/{{ vars.id }}", r"write `\{vars\.id\}`"),
        ("/users/${id}", r"write `\{vars\.id\}`"),
        ("/users/#[vars.id]", r"write `\{vars\.id\}`"),
        ("/users/#{body.id}", r"write `\{body\.id\}`"),
        ("/users/<id>", r"write `\{vars\.id\}`"),
        ("/users/<int:id>", r"write `\{vars\.id\}`"),
        ("/users/%s/x", r"write `\{vars\.id\}`"),
        ("/users/{vars.id", r"a `\{` without its `\}`"),
        ("/users/vars.id}", r"a `\}` without its `\{`"),
        ("/a/../b", "lead out"),
        ("/a/%2e%2e/b", "lead out"),
        ("/{vars.a}/../b", "lead out"),
        ("https://h/{vars.id}", "below the connector's `baseURL`"),
        ("//h/x", "below the connector's `baseURL`"),
    ],
)
def test_a_placeholder_that_would_be_sent_literally_is_refused(text, said):
    """With what to write instead."""
    with pytest.raises(ValidationError) as caught:
        Rest.model_validate({"path": text})

    detail = caught.value.errors()[0]
    error = detail.get("ctx", {}).get("error")
    shown = f"{detail['msg']} {error.hint if error else ''}"
    assert re.search(said, shown), shown


@pytest.mark.parametrize(
    "settings",
    [
        {"path": '"/users/{vars.id}"'},
        {"query": {"q": '"a {{ body.q }}"'}},
        {"headers": {"Authorization": "'Bearer {vars.token}'"}},
        {"headers": {"Authorization": '"Bearer ${vars.token}"'}},
        {"auth": '"Bearer #{env.TOKEN}"'},
    ],
)
def test_a_placeholder_in_quotes_is_refused(settings):
    """It would be sent as it is."""
    with pytest.raises(ValidationError, match=r'in quotes would be sent as it is; join them: `"\.\.\." \+ string'):
        Rest.model_validate(settings)


@pytest.mark.parametrize("text", ["'{\"vars\": 1}'", "'{id}'", "'a' + {'k': vars.id}.k", "'{}' + vars.id"])
def test_other_braces_in_quotes_are_meant(text):
    assert Rest.model_validate({"query": {"q": text}}).query["q"].text == text


def test_an_error_in_a_placeholder_has_its_place():
    """Line and column count from the beginning of the text."""
    with pytest.raises(ValidationError) as caught:
        Rest.model_validate({"path": "/users/{vars.id}/{vras.x}"})

    error = caught.value.errors()[0]["ctx"]["error"]
    assert (error.line, error.column) == (1, 19)
