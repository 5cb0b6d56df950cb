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


async def test_a_browser_opens_unless_it_shall_not(monkeypatch, tmp_path):
    """With the link, which is printed in any case."""
    import asyncio

    from octo.cli import edit
    from octo.cli.editing.editor import Opened

    opened, said = [], []

    async def serve(_, __, stop, ready, used):
        ready("http://127.0.0.1:1/#token=a")
        used("http://127.0.0.1:1/#token=b")

    monkeypatch.setattr(serving, "serve", serve)
    monkeypatch.setattr(edit.webbrowser, "open", opened.append)
    monkeypatch.setattr(edit, "say", said.append)
    monkeypatch.setattr("octo.cli.stopping.Stopping.listen", lambda _: None)
    for opens in (False, True):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await edit._serve(Opened(tmp_path), listener, opens=opens)
    while not opened:
        await asyncio.sleep(0)

    assert opened == ["http://127.0.0.1:1/#token=a"]
    assert [text.count("token=") for text in said] == [1, 1, 1, 1]
