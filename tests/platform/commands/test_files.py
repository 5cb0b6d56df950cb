"""Which files of this machine become those of an integration."""

from __future__ import annotations

import click
import pytest

from octo_platform.commands.files import read


def test_a_folder_without_what_is_hidden_or_made(tmp_path):
    """Variables and secrets in `.env` stay here: they belong to an environment."""
    shop = tmp_path / "My Shop"
    for path in ("flow.yaml", "flow_test.yaml", "mails/a.html", ".env", ".git/x", "__pycache__/a.pyc", "flow.yaml~"):
        (shop / path).parent.mkdir(parents=True, exist_ok=True)
        (shop / path).write_text(path)
    (tmp_path / "outside").write_text("secret")
    (shop / "linked").symlink_to(tmp_path / "outside")

    found = read(shop)

    assert found.name == "my-shop"
    assert [*found.files] == ["flow.yaml", "flow_test.yaml", "mails/a.html"]
    assert found.left_out == [".env", ".git", "__pycache__", "flow.yaml~", "linked"]


def test_a_file_with_its_test_and_its_folder(tmp_path):
    for path in ("orders.yaml", "orders_test.yaml", "orders/page.html", "other.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)

    found = read(tmp_path / "orders.yaml")

    assert found.name == "orders"
    assert [*found.files] == ["orders.yaml", "orders_test.yaml", "orders/page.html"]


def test_the_folder_one_stands_in_has_a_name(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "flow.yaml").touch()
    monkeypatch.chdir(tmp_path / "shop")

    from pathlib import Path

    assert read(Path()).name == "shop"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "there is no"),
        ({"shop/readme.md": b""}, "has no flow file at its top"),
        ({"shop/f.yaml": b"x" * ((1 << 20) + 1)}, "is too large: a file has at most 1,048,576 bytes"),
        ({"shop/f.yaml": b"", "shop/schön.html": b""}, "is no path of a file"),
        ({f"shop/{n}.yaml": b"" for n in range(501)}, "an integration has at most 500 files"),
    ],
)
def test_what_cannot_be_sent_is_said(tmp_path, files, told):
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)

    with pytest.raises(click.UsageError, match=told):
        read(tmp_path / "shop")
