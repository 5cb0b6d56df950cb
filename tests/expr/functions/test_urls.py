"""URLs are taken apart and put together without a way to mean another one."""

import pytest
from hypothesis import given, settings, strategies as st

from octo.expr import Scope, compile  # noqa: A004 - the name of the API

SCOPE = Scope(("v",), {"v": "v"})
ESCAPED = compile("urlDecode(urlEncode(v)) == v", SCOPE)
SEGMENTS = compile('toUrl({"scheme": "https", "host": "a.b", "path": v})', SCOPE)
QUERY = compile('url(toUrl({"path": "/", "query": v})).query', SCOPE)

NOTHING = {"scheme": "", "username": "", "password": "", "host": "", "port": None, "query": {}, "fragment": ""}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://a.b", {"scheme": "https", "host": "a.b", "path": ""}),
        ("HTTPS://A.b:443/", {"scheme": "https", "host": "a.b", "port": 443, "path": "/"}),
        ("http://u%40:p%3A@a.b", {"scheme": "http", "username": "u@", "password": "p:", "host": "a.b", "path": ""}),
        ("http://[::1]:80/a", {"scheme": "http", "host": "::1", "port": 80, "path": "/a"}),
        ("file:///etc/x", {"scheme": "file", "path": "/etc/x"}),
        ("/a%2Fb;c?d&e=1&e=2&f=%20+#g%20h", {"path": "/a%2Fb;c", "query": {"d": "", "e": ["1", "2"], "f": "  "}}),
        ("https://münchen.de/ü", {"scheme": "https", "host": "münchen.de", "path": "/ü"}),
    ],
)
def test_the_parts_of_a_url(evaluate, text, parts):
    found = evaluate("url(body)", text)

    assert found == {**NOTHING, "fragment": "g h" if "#" in text else "", **parts}
    assert evaluate("isURL(body)", text) is True


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.b", "a.b/c", "//a.b/c", "https:", "https://", "https:///x", "mailto:a@b.c", "javascript:alert(1)"),
        *("https://a b", "https://a.b/c d", "https://a.b\n", "\thttps://a.b", "https://a.b\\@c.d", "https://a.b/\0"),
        *("https://a.b:x", "https://a.b:70000", "https://a.b/%zz", "https://[::1", "https://[x]/", "https://a<b>/"),
        *("https://a.b/?%ff", "https://%61.b/", "/a#%ff", "https://[::1]a/", "https://[::1]a:80/"),
    ],
)
def test_what_is_no_url_is_refused(evaluate, failure, text):
    assert failure("url(body)", text).code == "OCTO-E206"
    assert evaluate("isURL(body)", text) is False


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"path": "/a b/ü%20%"}, "/a%20b/%C3%BC%20%25"),
        ({"path": "/a?b#c"}, "/a%3Fb%23c"),
        ({"path": ["a/b", 7, "c?d", True, "..."]}, "/a%2Fb/7/c%3Fd/true/..."),
        ({"scheme": "https", "host": "a.b", "path": []}, "https://a.b"),
        ({"scheme": "https", "host": "::1", "port": 80}, "https://[::1]:80"),
        ({"scheme": "https", "host": "a.b", "username": "u@", "password": "p:"}, "https://u%40:p%3A@a.b"),
        ({"scheme": "file", "path": "/x"}, "file:///x"),
        (
            {"path": "/", "query": {"b": "x&y=z", "a": [1, None, "ü"], "c": None, "d": ""}},
            "/?b=x%26y%3Dz&a=1&a=%C3%BC&d=",
        ),
        ({"path": "/", "query": {"f": {"x": [1]}}}, "/?f=%7B%22x%22%3A%5B1%5D%7D"),
        ({"path": "/", "fragment": "a b#"}, "/#a%20b%23"),
    ],
)
def test_parts_are_escaped(evaluate, parts, text):
    assert evaluate("toUrl(body)", parts) == text


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "begins with one /"),
        ({"path": "a"}, "the path 'a' does not begin with /"),
        ({"path": "//evil.example/x"}, "begins with one /"),
        ({"host": "a.b"}, "has both a scheme and a host"),
        ({"scheme": "https", "path": "/"}, "has both a scheme and a host"),
        ({"scheme": "ht tp", "host": "a.b"}, "is no scheme"),
        ({"scheme": "https", "host": "a.b/c"}, "is no host"),
        ({"scheme": "https", "host": "a.b@c.d"}, "is no host"),
        ({"scheme": "https", "host": "a.b:80"}, "is no host"),
        ({"scheme": "https", "host": "a.b", "port": 70000}, "a port is a number"),
        ({"path": ["users", ""]}, "a segment of a path cannot be ''"),
        ({"path": ["users", ".."]}, "a segment of a path cannot be '..'"),
        ({"path": ["users", None]}, "a segment of a path is null"),
        ({"path": "/", "port": 80}, "has a host"),
        ({"path": "/", "q": {}}, "toUrl has no option 'q'"),
        ({"path": "/", "query": "a=b"}, "query of toUrl is a map"),
    ],
)
def test_parts_that_do_not_make_a_url_are_refused(failure, parts, message):
    assert message in failure("toUrl(body)", parts).message


@pytest.mark.parametrize("text", ["https://u:p@a.b:8443/c%20d;e/?f=1&g=%26&g=2#h", "/a/b%2Fc?d=", "http://[::1]/"])
def test_a_url_comes_back(evaluate, text):
    assert evaluate("toUrl(url(body))", text) == text


def test_the_methods_of_kubernetes_take_a_url(evaluate, failure):
    text = "https://a.b:80/c%20d?e=1&e=2&f"
    methods = ["getScheme", "getHost", "getHostname", "getPort", "getEscapedPath", "getQuery"]

    found = [evaluate(f"url(body).{each}()", text) for each in methods]
    assert found == ["https", "a.b:80", "a.b", "80", "/c%20d", {"e": ["1", "2"], "f": [""]}]
    assert evaluate("url(body).getPort()", "https://a.b/") == ""
    for each in methods:
        assert failure(f"{{}}.{each}()").message == "this map is no URL"


@pytest.mark.parametrize("text", ["%", "%4", "%zz", "%ff", "a%C3"])
def test_what_is_not_url_encoded_is_refused(failure, text):
    assert failure("urlDecode(body)", text).code == "OCTO-E206"


@settings(deadline=None)
@given(st.text())
def test_every_text_comes_back_from_a_part_of_a_url(text):
    assert ESCAPED(text) is True


@settings(deadline=None)
@given(st.lists(st.text(min_size=1).filter(lambda text: text not in {".", ".."}), min_size=1))
def test_a_segment_stays_one(segments):
    written = SEGMENTS(segments)

    assert written.removeprefix("https://a.b").count("/") == len(segments)
    assert not set(written) & set("?#\\ \n")


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.text()))
def test_every_query_comes_back(fields):
    assert QUERY(fields) == fields
