"""What people who are new get wrong when they start a platform: a line says what to do, and nothing is left behind."""

from __future__ import annotations

import pytest

from octo_platform.commands.chosen import options
from tests.platform.commands.conftest import run


def test_a_file_of_options_needs_no_folder(home, tmp_path):
    """As in docs/platform.md."""
    file = tmp_path / "octo.yaml"
    file.write_text("publicUrl: https://octo.example.com\noidc: {issuer: https://id.example.com, clientId: octo}\n")

    found = options({"folder": None}, file, {})

    assert found.folder == home / ".octo" / "platform"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pubicUrl: http://x", "pubicUrl: there is no such option; there are folder, database"),
        ("oidc: {issuer: https://id.example.com}", "oidc.clientId: it is missing"),
        ("oidc: yes", "oidc: it must be an object, which has names and values"),
    ],
)
def test_options_are_told_as_they_are_written(home, tmp_path, text, told):
    file = tmp_path / "octo.yaml"
    file.write_text(text)

    found = run("platform", "--config", str(file))

    assert found.exit_code == 2
    assert f"Error: {file}: {told}" in found.stderr


def test_two_ports_are_two(home, tmp_path):
    found = run("platform", "--folder", str(tmp_path / "p"), "--port", "18999", "--data-port", "18999")

    assert found.exit_code == 2
    assert "port 18999 is needed for deployments: choose another --port, or --data-port" in found.stderr


def test_a_form_that_does_not_exist(home, tmp_path):
    folder = str(tmp_path / "p")
    first = run("platform", "migrate", "--folder", folder, "--to", "yesterday")
    run("platform", "migrate", "--folder", folder)
    later = run("platform", "migrate", "--folder", folder, "--to", "yesterday")

    for each in (first, later):
        assert each.exit_code == 2, each.output
        assert each.stderr.startswith("Error: there is no form 'yesterday'; there are base, ")


def test_a_file_is_no_folder(home, tmp_path):
    file = tmp_path / "file"
    file.touch()

    found = run("platform", "--folder", str(file), "--port", "0", "--data-port", "0")

    assert (found.exit_code, found.stderr) == (1, f"Error: {file} cannot be used: it is no folder\n")
