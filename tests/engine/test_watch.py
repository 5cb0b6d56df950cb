"""Only the content of the watched files counts, and no edit of it is lost."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from octo.engine import watch as watching
from octo.engine.watch import Watch, fingerprint, notices


def test_touching_or_rewriting_the_same_is_no_change(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("x")
    before = fingerprint([file])
    file.write_text("x")

    assert fingerprint([file]) == before


def test_a_missing_file_that_appears_is_a_change(tmp_path):
    before = fingerprint([tmp_path / ".env"])
    (tmp_path / ".env").write_text("")

    assert fingerprint([tmp_path / ".env"]) != before


def test_a_folder_is_the_yaml_in_it(tmp_path):
    before = fingerprint([tmp_path])
    (tmp_path / "data.sqlite").write_text("rows")
    assert fingerprint([tmp_path]) == before

    (tmp_path / "more.yaml").write_text("flows: []")
    assert fingerprint([tmp_path]) != before


async def test_other_files_in_the_folder_wake_nobody(tmp_path, save):
    file = tmp_path / "a.yaml"
    file.write_text("1")
    watch = Watch(lambda: [file])
    watch.read(file.read_text)

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(watch.changed())
        while not waiting.done():
            (tmp_path / "noise.log").write_text("x")
            assert not waiting.done()
            save(file, "2")
            await asyncio.sleep(0.01)

    assert waiting.result()


async def test_without_a_notice_it_looks_now_and_then(tmp_path, monkeypatch):
    """Some file systems give none."""
    monkeypatch.setattr(watching, "FALLBACK", 10)

    async with asyncio.timeout(20), contextlib.aclosing(notices([tmp_path])) as happening:
        assert await anext(happening) == set()


async def test_folders_within_are_not_watched(tmp_path, monkeypatch):
    """A project may hold a large one that has nothing to do with the flows."""
    monkeypatch.setattr(watching, "FALLBACK", 10)
    (tmp_path / "within").mkdir()
    seen = set()

    async with asyncio.timeout(20), contextlib.aclosing(notices([tmp_path])) as happening:
        while str(tmp_path / "a.yaml") not in seen:
            seen |= {path for _, path in await anext(happening)}
            (tmp_path / "within" / "b.yaml").write_text("x")
            (tmp_path / "a.yaml").write_text("x")

    assert str(tmp_path / "within" / "b.yaml") not in seen


async def test_an_edit_that_is_saved_while_the_files_are_read_is_a_change(tmp_path, save):
    file = tmp_path / "a.yaml"
    file.write_text("1")
    watch = Watch(lambda: [file])

    def load():
        text = file.read_text()
        save(file, "2")
        return text

    assert watch.read(load) == "1"
    assert await watch.changed()
    assert watch.read(file.read_text) == "2"


@pytest.mark.parametrize("fails", [False, True])
async def test_a_file_that_only_reading_named_is_read_once_more(tmp_path, fails, save):
    """It has no fingerprint from before: it may have been saved after it was read."""
    named, found = [tmp_path / "a.yaml"], []
    other = tmp_path / "other.yaml"
    other.write_text("1")
    stop = asyncio.Event()
    watch = Watch(lambda: named)

    def load():
        found.append(other.read_text())
        save(other, "2")
        named[:] = [tmp_path / "a.yaml", other]
        if fails:
            raise ValueError

    with pytest.raises(ValueError) if fails else contextlib.nullcontext():
        watch.read(load)
    stop.set()

    assert found == ["1", "2"]
    assert not await watch.changed(stop)
