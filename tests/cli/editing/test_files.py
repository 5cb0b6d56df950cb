"""Files over the API: nobody's save is lost, nothing outside of the folder is reached, bytes stay as they are."""

from __future__ import annotations

import asyncio

import pytest

from octo.cli.authoring import codes as authoring
from octo.cli.editing import codes

from .conftest import FLOW


async def test_what_is_listed(page, project):
    """What each file is for; nothing hidden, nothing through links."""
    (project / "flow_test.yaml").write_text("flow: hello\ncases: []\n")
    (project / "openapi.yaml").write_text("openapi: 3.1.0\n")
    (project / "empty.yaml").write_text("# nothing yet\n")
    (project / "deep").mkdir()
    (project / "deep" / "prompt.md").write_text("# Prompt")
    (project / "dev.env").write_text("A=b")
    (project / ".env").write_text("A=b")
    (project / "link.yaml").symlink_to(project / "flow.yaml")

    found = (await page.ask("GET", "/api/files")).json

    assert {each["path"]: each["kind"] for each in found["files"]} == {
        "deep/prompt.md": "resource",
        "dev.env": "env",
        "empty.yaml": "flow",
        "flow.yaml": "flow",
        "flow_test.yaml": "test",
        "openapi.yaml": "resource",
    }
    assert found["isWhole"] is True


@pytest.mark.parametrize("text", ["", "a\r\nb\r\n", "\ufeffflows: []", "a\tb\n\n\n", "é😀\u2028\n", "no end"])
async def test_texts_stay_as_they_are(page, project, text):
    """Line ends, byte order marks, what is broken: opened and saved, a file has the same bytes."""
    data = text.encode()
    (project / "x.yaml").write_bytes(data)
    (project / "x.yaml").chmod(0o640)

    read = await page.ask("GET", "/api/files/x.yaml")
    saved = await page.ask("PUT", "/api/files/x.yaml", {"text": read.json["text"]}, if_match=read.etag)

    assert saved.json == {"path": "x.yaml", "etag": read.json["etag"]}
    assert saved.etag == read.etag
    assert (project / "x.yaml").read_bytes() == data
    assert (project / "x.yaml").stat().st_mode & 0o777 == 0o640


async def test_a_save_says_what_it_replaces(page, project):
    without = await page.ask("PUT", "/api/files/flow.yaml", {"text": "x"})
    strange = await page.ask("PUT", "/api/files/flow.yaml", {"text": "x"}, if_match="*")

    assert {each.status for each in (without, strange)} == {428}
    assert without.json["code"] == codes.UNCONDITIONAL
    assert (project / "flow.yaml").read_text() == FLOW


async def test_two_who_save_one_file(server, page):
    """The second one is told what the first one has saved, and nothing is lost."""
    other = await server.page()
    etag = (await other.ask("GET", "/api/files/flow.yaml")).etag
    first = await page.ask("PUT", "/api/files/flow.yaml", {"text": "flows: []\n"}, if_match=etag)

    second = await other.ask("PUT", "/api/files/flow.yaml", {"text": "mine\n"}, if_match=etag)

    assert (first.status, second.status) == (200, 412)
    assert second.json["code"] == authoring.STALE
    assert second.json["current"] == {"path": "flow.yaml", "text": "flows: []\n", "etag": first.json["etag"]}


async def test_many_who_save_at_once(server, page, project):
    """One of them wins, the others are told so."""
    etag = (await page.ask("GET", "/api/files/flow.yaml")).etag
    texts = [f"# {number}\n" for number in range(8)]

    found = await asyncio.gather(
        *(page.ask("PUT", "/api/files/flow.yaml", {"text": text}, if_match=etag) for text in texts)
    )

    assert sorted(each.status for each in found) == [200] + [412] * 7
    [winner] = [text for text, each in zip(texts, found, strict=True) if each.status == 200]
    assert (project / "flow.yaml").read_text() == winner


async def test_a_file_that_was_removed_meanwhile(page, project):
    etag = (await page.ask("GET", "/api/files/flow.yaml")).etag
    (project / "flow.yaml").unlink()

    found = await page.ask("PUT", "/api/files/flow.yaml", {"text": "mine"}, if_match=etag)

    assert found.status == 412
    assert found.json["current"] is None
    assert (await page.ask("GET", "/api/files/flow.yaml")).status == 404


async def test_a_new_file(page, project):
    """It is made where nothing is, with its folders, and with the rights that the user's files have."""
    made = await page.ask("PUT", "/api/files/deep/er/new.yaml", {"text": "flows: []\n"}, if_none_match="*")
    again = await page.ask("PUT", "/api/files/deep/er/new.yaml", {"text": "x"}, if_none_match="*")

    assert (made.status, again.status) == (200, 412)
    assert again.json["current"]["text"] == "flows: []\n"
    assert (project / "deep" / "er" / "new.yaml").read_text() == "flows: []\n"


async def test_removing_and_renaming(page, project):
    etag = (await page.ask("GET", "/api/files/flow.yaml")).etag
    (project / "taken.yaml").write_text("")

    taken = await page.ask("POST", "/api/rename", {"from": "flow.yaml", "to": "taken.yaml"}, if_match=etag)
    moved = await page.ask("POST", "/api/rename", {"from": "flow.yaml", "to": "a/b.yaml"}, if_match=etag)
    stale = await page.ask("DELETE", "/api/files/a/b.yaml", if_match=f'"{"0" * 32}"')
    gone = await page.ask("DELETE", "/api/files/a/b.yaml", if_match=etag)

    assert [each.status for each in (taken, moved, stale, gone)] == [412, 200, 412, 200]
    assert moved.json == {"path": "a/b.yaml"}
    assert (project / "taken.yaml").read_text() == ""
    assert not (project / "flow.yaml").exists()
    assert not (project / "a" / "b.yaml").exists()


OUTSIDE = ["../secret.txt", "/etc/passwd", ".env", ".git/config", "a/../../secret.txt", "linked/x.yaml", "link.yaml"]


@pytest.mark.parametrize("path", OUTSIDE)
async def test_nothing_outside_is_reached(page, project, tmp_path, path):
    """Not through dots, names that begin with one, or links: neither read, written, removed nor renamed to."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.yaml").write_text("outside")
    (project / "linked").symlink_to(tmp_path / "outside")
    (project / "link.yaml").symlink_to(tmp_path / "outside" / "x.yaml")
    (project / ".env").write_text("A=b")
    escaped = path.replace("..", "%2e%2e").replace("/", "%2f")
    etag = (await page.ask("GET", "/api/files/flow.yaml")).etag

    found = [
        await page.ask("GET", f"/api/files/{escaped}"),
        await page.ask("PUT", f"/api/files/{escaped}", {"text": "x"}, if_none_match="*"),
        await page.ask("DELETE", f"/api/files/{escaped}", if_match=etag),
        await page.ask("POST", "/api/rename", {"from": "flow.yaml", "to": path}, if_match=etag),
        await page.ask("POST", "/api/check", {"files": {path: "x"}}),
    ]

    assert {each.status for each in found[:4]} <= {403, 412}
    assert found[0].status == 403
    assert found[4].status in (200, 403)  # in the copy of the project, nothing else is a link
    assert b"outside" not in found[0].data
    assert (tmp_path / "outside" / "x.yaml").read_text() == "outside"
    assert (project / "flow.yaml").read_text() == FLOW
    assert (project / ".env").read_text() == "A=b"


async def test_what_is_no_text_is_not_opened(page, project):
    (project / "photo.png").write_bytes(b"\x89PNG\0")
    (project / "latin.txt").write_bytes("é".encode("latin-1"))

    assert (await page.ask("GET", "/api/files/photo.png")).status == 415
    assert (await page.ask("GET", "/api/files/latin.txt")).status == 415


async def test_a_folder_that_is_gone(server, page, project, until):
    """It is told, and when the folder is back the editor goes on."""
    etag = (await page.ask("GET", "/api/files/flow.yaml")).etag
    project.rename(project.with_name("away"))

    assert (await page.ask("GET", "/api/files")).json["code"] == codes.GONE
    assert (await page.ask("PUT", "/api/files/flow.yaml", {"text": "x"}, if_match=etag)).status in (404, 410)

    project.with_name("away").rename(project)
    assert (await page.ask("PUT", "/api/files/flow.yaml", {"text": "x"}, if_match=etag)).status == 200
