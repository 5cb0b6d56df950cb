"""The headers and cookies that a flow chooses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.connectors.http import Route
from octo.core.message import Message


async def answered(serve, message: Message, **settings):
    async with serve() as site, site.route(lambda _: message, **settings):
        return await site.ask()


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ('"/orders/" + string(body.id)', ["/orders/7"]),
        ("body.id", ["7"]),
        ("body.id > 1", ["true"]),
        ("2.0", ["2"]),
        ('["a", "b"]', ["a", "b"]),
        ('["a", null, "b"]', ["a", "b"]),
        ("null", []),
        ("vars.text", []),
        ('["a", vars.text]', ["a"]),
        ("body", []),
        ('timestamp("2026-01-02T03:04:05Z")', ["2026-01-02T03:04:05Z"]),
    ],
)
async def test_a_header_has_the_value_of_its_expression(serve, expression, values):
    """Evaluated on what the flow ends with. What is no line of text is left out: nobody can smuggle a header in."""
    message = Message({"id": 7}, {"text": "a\r\nX-Evil: 1"})
    status, headers, _ = await answered(serve, message, responseHeaders={"X-Value": expression})

    assert status == 200
    assert headers.getall("X-Value", []) == values
    assert "X-Evil" not in headers


async def test_a_redirect_is_a_status_and_a_location(serve):
    """As everywhere in HTTP."""
    message = Message({"id": 7}, {"httpStatus": 303})
    status, headers, _ = await answered(serve, message, responseHeaders={"Location": '"/orders/" + string(body.id)'})

    assert (status, headers["Location"]) == (303, "/orders/7")


async def test_an_expression_that_fails_is_an_error(serve, caplog):
    """A header that is missing without a word could be one that protects."""
    status, headers, text = await answered(serve, Message({}, {}), responseHeaders={"Location": "body.gone"})

    assert status == 500
    assert "Location" not in headers
    assert "gone" not in text
    assert "OCTO-H107" in str([each.__dict__ for each in caplog.records])


@pytest.mark.parametrize(
    ("cookie", "line"),
    [
        ({"value": '"abc"'}, "c=abc; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"value": "body.id"}, "c=7; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"value": '"x"', "maxAge": "8h"}, "c=x; Max-Age=28800; Path=/; Secure; HttpOnly; SameSite=Lax"),
        ({"value": '""', "maxAge": "8h"}, "c=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            {"value": '"x"', "path": "/a", "domain": "octo.example", "sameSite": "Strict"},
            "c=x; Path=/a; Domain=octo.example; Secure; HttpOnly; SameSite=Strict",
        ),
        ({"value": '"x"', "secure": False, "httpOnly": False}, "c=x; Path=/; SameSite=Lax"),
        ({"value": "null"}, None),
        ({"value": '"a;Domain=evil"'}, None),
        ({"value": '"a\\r\\nX-Evil: 1"'}, None),
        ({"value": '"a b"'}, None),
        ({"value": '"ä"'}, None),
        ({"value": "body"}, None),
    ],
)
async def test_a_cookie_is_set_with_its_attributes(serve, caplog, cookie, line):
    """Its value cannot add another one."""
    status, headers, _ = await answered(serve, Message({"id": 7}, {}), setCookies={"c": cookie})

    assert status == 200
    assert headers.getall("Set-Cookie", []) == ([] if line is None else [line])
    assert "X-Evil" not in headers
    assert ("left out" in caplog.text) is (line is None and cookie["value"] != "null")


async def test_several_cookies_are_several_headers(serve):
    """In their order."""
    cookies = {"a": {"value": "1"}, "b": {"value": "vars.b"}}
    _, headers, _ = await answered(serve, Message(None, {"b": "two"}), setCookies=cookies)

    assert [each.split(";")[0] for each in headers.getall("Set-Cookie")] == ["a=1", "b=two"]


async def test_cookies_of_the_request_are_variables(serve):
    """An absent one is an empty text, as an absent header is."""
    async with serve() as site, site.route(cookies=["session", "theme"]) as inlet:
        await site.ask(headers={"Cookie": 'theme=dark; session="abc=="; theme=light'})
        await site.ask()

    seen = [{name: each.vars[name] for name in ("session", "theme")} for each in inlet.messages]
    assert seen == [{"session": "abc==", "theme": "dark"}, {"session": "", "theme": ""}]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"responseHeaders": {"Content-Type": '"x"'}}, "written by the connector itself"),
        ({"responseHeaders": {"X": "body."}}, "expected"),
        ({"setCookies": {"a b": {"value": "1"}}}, "not a cookie name"),
        ({"setCookies": {"a": {"value": "1", "path": "/;x"}}}, "pattern"),
        ({"setCookies": {"a": {"value": "1", "domain": "x;y"}}}, "pattern"),
        ({"setCookies": {"a": {"value": "1", "sameSite": "None", "secure": False}}}, "sameSite: None"),
        ({"setCookies": {"__Host-a": {"value": "1", "path": "/x"}}}, "browsers refuse the cookie __Host-a"),
        ({"setCookies": {"__Secure-a": {"value": "1", "secure": False}}}, "browsers refuse the cookie __Secure-a"),
        ({"cookies": ["a b"]}, "not a cookie name"),
        ({"path": "/{id}", "cookies": ["id"]}, "set both by the path and by `cookies`"),
    ],
)
def test_what_no_browser_takes_is_refused(settings, why):
    """When the configuration is read."""
    with pytest.raises(ValidationError, match=why):
        Route.model_validate({"path": "/", **settings})
