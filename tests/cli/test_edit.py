"""`octo edit`: the command, from its link to its end."""

from __future__ import annotations

import socket

import pytest

from octo.cli.editing import serving


@pytest.fixture
def unbuilt(monkeypatch, tmp_path):
    monkeypatch.setattr(serving, "BUILT", tmp_path / "nowhere")


def test_without_the_page_it_says_how_to_build_it(cli, unbuilt, tmp_path):
    result = cli("edit", str(tmp_path))

    assert result.exit_code == 2
    assert "OCTO-X160" in result.stderr
    assert "make edit" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_path_that_leads_nowhere(cli, tmp_path):
    result = cli("edit", str(tmp_path / "nowhere"))

    assert result.exit_code == 2
    assert "nowhere" in result.stderr


def test_a_port_that_is_taken(cli, monkeypatch, tmp_path):
    (tmp_path / "index.html").write_text("")
    monkeypatch.setattr(serving, "BUILT", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = cli("edit", str(tmp_path), "--port", str(taken.getsockname()[1]))

    assert result.exit_code == 2
    assert "--port" in result.stderr


def test_a_system_that_cannot_fork(cli, monkeypatch, tmp_path):
    monkeypatch.delattr("os.fork")

    assert "Linux or macOS" in cli("edit", str(tmp_path)).stderr
