"""Which platform is meant, and which key it is shown."""

from __future__ import annotations

import stat

import click
import pytest

from octo_platform.commands import credentials
from octo_platform.commands.credentials import Server, server

A, B = "https://a.example", "https://b.example"


def test_where_one_has_signed_in_last_is_asked(home):
    assert server(None, {}) == Server("http://127.0.0.1:8321", None)

    credentials.store(A, "octo_a")
    credentials.store(B, "octo_b")

    assert server(None, {}) == Server(B, "octo_b")
    assert server("a.example/", {}) == Server(A, "octo_a")
    assert server("https://c.example", {}) == Server("https://c.example", None)
    for name in ("localhost:8321", "127.0.0.1:8321", "[::1]:8321", "localhost"):
        assert server(name, {}) == Server(f"http://{name}", None)
    assert server("localhost.example", {}) == Server("https://localhost.example", None)


def test_variables_win_over_what_is_stored_and_flags_over_variables(home, tmp_path):
    credentials.store(A, "octo_a")
    (tmp_path / "key").write_text("octo_of_file\n")

    assert server(None, {"OCTO_PLATFORM_URL": B}) == Server(B, None)
    assert server(A, {"OCTO_PLATFORM_URL": B, "OCTO_PLATFORM_KEY": "octo_x"}) == Server(A, "octo_x")
    assert server(None, {"OCTO_PLATFORM_KEY_FILE": str(tmp_path / "key")}) == Server(A, "octo_of_file")


def test_the_file_is_for_its_owner_alone(home):
    credentials.store(A, "octo_a")
    path = home / ".octo" / "credentials"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["credentials"]
    path.chmod(0o644)
    with pytest.raises(click.ClickException, match=r"others can read .*; type: chmod 600"):
        server(None, {})


def test_a_key_can_be_forgotten(home):
    credentials.store(A, "octo_a")
    credentials.store(B, "octo_b")

    assert credentials.forget(B)
    assert not credentials.forget(B)
    assert server(None, {}) == Server(A, "octo_a")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"servers": 3}', '{"servers": {"a": "b"}}'])
def test_a_file_that_is_none_is_said(home, content):
    path = home / ".octo" / "credentials"
    path.parent.mkdir()
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(click.ClickException, match="cannot be understood; remove it, and sign in again"):
        server(None, {})


@pytest.mark.parametrize(
    "url", ["ftp://a", "https://", "https://u:p@a", "https://a?x=1", "https://a:99999", "https://[a"]
)
def test_what_is_no_address_is_said(home, url):
    with pytest.raises(click.UsageError, match="is no address of a platform"):
        server(url, {})


@pytest.mark.parametrize("key", ["", "secret", "octo_a b", "octo_\x1b[2J", "octod_x"])
def test_a_file_without_a_key_is_said_without_showing_it(home, tmp_path, key):
    (tmp_path / "key").write_text(key)

    with pytest.raises(click.UsageError, match="has no key of a platform"):
        credentials.key_in(tmp_path / "key")
