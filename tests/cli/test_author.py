"""`octo mcp author`: what it takes, and where it listens."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_help_tells_of_the_flag(cli):
    result = cli("mcp", "author", "--help")

    assert result.exit_code == 0
    assert "--allow-mutations" in result.stdout


@pytest.mark.parametrize("address", ["0.0.0.0:8765", "[::]:8765", "example.com:8765", "192.168.0.1:8765"])
def test_it_listens_on_loopback_only(cli, address):
    result = cli("mcp", "author", "--http", address)

    assert result.exit_code == 2
    assert "is not loopback" in result.stderr


@pytest.mark.parametrize("address", ["", "port", "127.0.0.1:", "99999", "127.0.0.1:80/x", "unix:/x"])
def test_what_is_no_address(cli, address):
    result = cli("mcp", "author", "--http", address)

    assert result.exit_code == 2
    assert "--http" in result.stderr


def test_the_folder_must_be_there(cli, tmp_path):
    assert cli("mcp", "author", str(tmp_path / "nowhere")).exit_code == 2


def test_without_the_library_it_says_what_brings_it(cli, monkeypatch):
    monkeypatch.setattr("octo.cli.author.find_spec", lambda _: None)
    result = cli("mcp", "author")

    assert result.exit_code == 2
    assert "pip install 'octo-flows[mcp]'" in result.stderr


def test_other_verbs_do_not_import_it():
    """Neither the library nor the tools, also where the help names the verb."""
    code = (
        "import sys\nfrom octo.cli import octo\n"
        "for words in (['--help'], ['mcp', '--help'], ['mcp', 'author', '--help'], ['check', '--help']):\n"
        "    octo.main(args=words, standalone_mode=False)\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('mcp', 'mcp_types') or 'authoring' in name])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
