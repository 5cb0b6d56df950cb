"""On loopback everything is open, except to browser pages; elsewhere guarded routes need the token."""

from __future__ import annotations

import socket

import pytest

from octo.operations.address import Address
from octo.operations.guard import Guard, guard_for, read_token

TOKEN = "0123456789abcdef"


def bound(host):
    return socket.create_server((host, 0))


@pytest.mark.parametrize("host", ["localhost:39999", "127.0.0.1", "[::1]:39999", "LOCALHOST", "ops.test:1"])
def test_on_loopback_requests_to_its_names_are_answered(host):
    with bound("127.0.0.1") as listening:
        guard = guard_for(Address("ops.test", 1), listening, "")

    assert guard.host_refusal({"host": host}) == ""
    assert guard.refusal({"host": host}) == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:39999"},
        {"host": ""},
        {},
        {"host": "[127.0.0.1]evil.com"},
        {"host": "[::1]evil.com:39999"},
        {"host": "[::1]:39999.evil.com"},
        {"host": "[::1"},
        {"host": "127.0.0.1:39999.evil.com"},
        {"host": "127.0.0.1:evil"},
        {"host": "127.0.0.1@evil.com"},
        {"host": "evil.com@127.0.0.1"},
        {"host": "127.0.0.1/evil.com"},
        {"host": "127.0.0.1 evil.com"},
        {"host": "127.0.0.1, evil.com"},
        {"host": "127.0.0.1\\.evil.com"},
        {"host": "localhost.evil.com"},
        {"host": "localhost\u0131"},
        {"host": "127.0.0.1:1:1"},
        {"host": ":39999"},
    ],
)
def test_a_name_that_was_bent_to_loopback_is_refused(headers):
    with bound("127.0.0.1") as listening:
        guard = guard_for(Address("127.0.0.1", 1), listening, "")

    assert "another host" in guard.host_refusal(headers)


@pytest.mark.parametrize(
    "header",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of localhost
        {"sec-fetch-site": "something new"},
        {"sec-fetch-site": ""},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"referer": "https://evil.example/"},
    ],
)
def test_a_page_in_a_browser_may_change_and_see_nothing(header):
    """Also by a link or a picture, with which browsers send no Origin."""
    assert "browser" in Guard().refusal({"host": "localhost", **header})
    assert "browser" in Guard(None, TOKEN, trusts=False).refusal({"authorization": f"Bearer {TOKEN}", **header})


@pytest.mark.parametrize("header", [{}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-origin", "referer": "x"}])
def test_who_types_the_address_is_no_page(header):
    assert Guard().refusal({"host": "localhost", **header}) == ""


@pytest.mark.parametrize(
    ("token", "authorization", "says"),
    [
        ("", "", "--admin-token-file"),
        ("", "Bearer ", "--admin-token-file"),
        (TOKEN, "", "Authorization: Bearer"),
        (TOKEN, "Bearer wrong", "Authorization: Bearer"),
        (TOKEN, TOKEN, "Authorization: Bearer"),
        (TOKEN, "Bearer ünicode", "Authorization: Bearer"),
        (TOKEN, f"Bearer {TOKEN}", ""),
    ],
)
def test_beyond_loopback_the_guarded_needs_the_token(token, authorization, says):
    with bound("0.0.0.0") as listening:
        guard = guard_for(Address("", 1), listening, token)

    assert guard.host_refusal({"host": "anything"}) == ""
    refusal = guard.refusal({"authorization": authorization})
    assert says in refusal
    assert bool(refusal) is bool(says)


def test_who_sets_a_token_means_it_on_loopback_too():
    with bound("127.0.0.1") as listening:
        guard = guard_for(Address("127.0.0.1", 1), listening, TOKEN)

    assert guard.refusal({}) != ""


def test_the_token_comes_from_the_file_before_the_environment(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    assert read_token(tmp_path / "token", {"OCTO_ADMIN_TOKEN": "other-token-of-16"}) == TOKEN
    assert read_token(None, {"OCTO_ADMIN_TOKEN": TOKEN}) == TOKEN
    assert read_token(None, {}) == ""


@pytest.mark.parametrize("content", [b"", b"short", b"with spaces in between", b"\xff" * 20])
def test_a_token_that_protects_nothing_is_refused_and_not_shown(tmp_path, content):
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(ValueError, match="token") as raised:
        read_token(tmp_path / "token", {})

    assert content == b"" or content.decode("latin-1") not in str(raised.value)


def test_a_token_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        read_token(tmp_path / "nowhere", {})
