"""Secrets in the environment and in mounted folders; what all places promise is in test_providers.py."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.places import secrets
from octo.services.secrets.environment import Variables, store
from octo.services.secrets.mounted import Mounted
from octo.services.secrets.store import trimmed


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("hunter2\n", "hunter2"),
        ("hunter2\r\n", "hunter2"),
        ("hunter2", "hunter2"),
        (" hunter2 \n", " hunter2 "),
        ("\n", ""),
        ("hunter2\n\n", "hunter2\n\n"),
        ("-----BEGIN-----\nabc\n-----END-----\n", "-----BEGIN-----\nabc\n-----END-----\n"),
    ],
)
def test_the_line_end_after_a_single_line_is_no_part_of_the_secret(text, secret):
    """`echo` and editors write it. A key in PEM form needs its own."""
    assert trimmed(text) == secret


def test_a_mounted_secret_is_read_anew_when_kubernetes_swaps_it(tmp_path):
    """The files are links into `..data`, and `..data` is a link that is replaced."""
    for version in ("old", "new"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "password").write_text(version)
    (tmp_path / "..data").symlink_to("..old")
    (tmp_path / "password").symlink_to("..data/password")
    mounted = Mounted(tmp_path)
    assert mounted.find("password") == "old"

    (tmp_path / "..next").symlink_to("..new")
    (tmp_path / "..next").replace(tmp_path / "..data")

    assert mounted.find("password") == "new"
    assert mounted.listed() == [("password", "")]


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/b", "..data", ".hidden", ".", ".."])
def test_a_name_is_that_of_a_file_in_the_folder(tmp_path, name):
    with pytest.raises(Permanent) as refused:
        Mounted(tmp_path).find(name)
    assert refused.value.code == codes.LIMIT


def test_bytes_are_no_secret(tmp_path):
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(Permanent, match="not text in UTF-8"):
        Mounted(tmp_path).find("key")


def test_variables_are_found_by_their_prefix():
    found = Variables("APP_", {"APP_TOKEN": "t", "OTHER": "o", "APP_": "x"})
    assert (found.find("TOKEN"), found.find("OTHER"), found.find("=")) == ("t", None, None)
    assert found.listed() == [("TOKEN", "")]


def test_variables_of_octo_itself_are_no_secrets_of_flows():
    """They hold the keys of the encrypted file."""
    found = Variables("", {"OCTO_SECRETS_KEYS": "k", "TOKEN": "t"})
    assert (found.find("OCTO_SECRETS_KEYS"), found.find("TOKEN")) == (None, "t")
    assert found.listed() == [("TOKEN", "")]
    assert Variables("OCTO_MY_", {"OCTO_MY_TOKEN": "t"}).find("TOKEN") == "t"


def test_a_prefix_is_no_path():
    with pytest.raises(Permanent, match="env:PREFIX"):
        store("env:///etc")


@pytest.mark.parametrize(
    ("places", "place"),
    [
        ("", None),
        ("sqlite:octo.db", None),
        ("secrets=memory:", None),
        ("memory:,secrets=env:APP_", "the environment variables APP_*"),
        ("env:", "the environment"),
        ("secrets=files:/run/secrets,queues=memory:", "the folder '/run/secrets'"),
        ("secrets=encrypted:a.json", "the encrypted file 'a.json'"),
    ],
)
def test_the_place_of_secrets_is_one_of_the_services(places, place):
    found = secrets(places, {})
    assert (found and found.place) == place
