"""Which writes come from a page of ours."""

from __future__ import annotations

import pytest

from octo_platform.auth import origin
from octo_platform.problem import Problem

HTTPS, HTTP = "https://octo.example", "http://127.0.0.1:8321"


def is_let_through(url, headers, *, by_cookie=True, method="POST"):
    try:
        origin.check(method, headers, url, by_cookie=by_cookie)
    except Problem:
        return False
    return True


@pytest.mark.parametrize(
    ("url", "headers", "is_ours"),
    [
        (HTTPS, {"origin": HTTPS}, True),
        (HTTPS, {"origin": "https://octo.example:443"}, True),
        (HTTPS, {"origin": "https://OCTO.example"}, True),
        (HTTPS, {"origin": "https://octo.example:8443"}, False),
        (HTTPS, {"origin": "https://octo.example:99999"}, False),
        (HTTPS, {"origin": "http://octo.example", "host": "octo.example"}, False),
        (HTTPS, {"origin": "https://a.octo.example"}, False),
        (HTTPS, {"origin": "https://also.example", "host": "also.example"}, True),
        (HTTPS, {"origin": "https://octo.example.evil"}, False),
        (HTTPS, {"origin": "https://octo.example@evil"}, False),
        (HTTPS, {"origin": "null"}, False),
        (HTTPS, {"origin": ""}, False),
        (HTTPS, {"origin": "file://"}, False),
        (HTTP, {"origin": "http://localhost:8321", "host": "localhost:8321"}, True),
        (HTTP, {"origin": "http://[::1]:8321", "host": "[::1]:8321"}, True),
        (HTTP, {"origin": "http://localhost:3000", "host": "localhost:8321"}, False),
        (HTTP, {"sec-fetch-site": "same-origin"}, True),
        (HTTP, {"sec-fetch-site": "same-site"}, False),
        (HTTP, {"sec-fetch-site": "none"}, False),
        (HTTP, {"sec-fetch-site": "none", "origin": HTTP}, True),
        (HTTP, {"sec-fetch-site": "cross-site", "origin": HTTP}, False),
        (HTTP, {}, False),
    ],
)
def test_a_write_by_cookie_must_come_from_the_same_origin(url, headers, is_ours):
    assert is_let_through(url, headers) is is_ours


def test_a_program_without_a_cookie_need_not_say_where_it_comes_from():
    assert is_let_through(HTTP, {}, by_cookie=False)
    assert not is_let_through(HTTP, {"origin": "https://evil.example"}, by_cookie=False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_are_let_through(method):
    assert is_let_through(HTTP, {"origin": "https://evil.example"}, method=method)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "anything"])
def test_all_else_is_a_write(method):
    assert not is_let_through(HTTP, {"origin": "https://evil.example"}, method=method)
