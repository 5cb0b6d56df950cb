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


@pytest.fixture
def waits(monkeypatch):
    """The seconds for which files had to rest; no time passes."""
    found = []

    async def rest(stop, seconds):
        found.append(seconds)
        await asyncio.sleep(0)
        return stop is not None and stop.is_set()

    monkeypatch.setattr(watching, "_stopped", rest)
    return found


async def watched(file, text):
    file.write_text(text)
    watch = Watch(lambda: [file])
    watch.read(file.read_text)
    return watch


@pytest.mark.parametrize(
    ("new", "rests"),
    [("flows: [a, b, c] # end", watching.SETTLE), ("flows: [a", watching.CAREFUL), ("", watching.CAREFUL)],
)
async def test_what_may_be_cut_must_rest_for_longer(tmp_path, waits, new, rests):
    file = tmp_path / "a.yaml"
    watch = await watched(file, "flows: [a, b] # end")
    file.write_text(new)

    assert await watch.changed()
    assert waits == [rests]


async def test_a_file_that_is_back_in_time_has_not_changed(tmp_path, waits, save):
    """Editors remove a file and create it again."""
    file = tmp_path / "a.yaml"
    watch = await watched(file, "1")
    file.unlink()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(watch.changed(stop))
        while not waits:
            await asyncio.sleep(0)
        save(file, "1")
        while len(waits) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        stop.set()

    assert waiting.result() is False


async def test_a_text_that_grows_is_read_when_it_rests(tmp_path, waits):
    file = tmp_path / "a.yaml"
    watch = await watched(file, "0123456789")
    file.write_text("")
    parts = iter("abcdefg")

    def grow(paths):
        with file.open("a") as writer:
            writer.write(next(parts, ""))

    look = watching.fingerprint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "fingerprint", lambda paths: (grow(paths), look(paths))[1])
        assert await watch.changed()

    assert file.read_text() == "abcdefg"


async def test_a_file_that_is_saved_in_parts_must_rest_for_longer(tmp_path, waits, monkeypatch):
    """Also when it is longer than before by now."""
    file = tmp_path / "a.yaml"
    watch = await watched(file, "1")
    file.write_text("1, 2")
    look, looks = watching.fingerprint, []

    def write(paths):
        looks.append(None)
        if len(looks) == 3:
            file.write_text("1, 2, 3")
        return look(paths)

    monkeypatch.setattr(watching, "fingerprint", write)
    assert await watch.changed()
    assert waits == [watching.SETTLE, watching.CAREFUL]


async def test_a_file_that_is_open_for_writing_is_waited_for(tmp_path, caplog):
    caplog.set_level("INFO")
    file = tmp_path / "a.yaml"
    watch = await watched(file, "1")
    async with asyncio.TaskGroup() as group:
        with file.open("w") as writer:
            writer.write("flows: [a")
            writer.flush()
            waiting = group.create_task(watch.changed())
            while "still being written" not in caplog.text:
                await asyncio.sleep(0.001)
            assert not waiting.done()
            writer.write(", b]")

    assert waiting.result()
    assert caplog.text.count("still being written") == 1


async def test_a_file_that_stays_open_is_read_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "LONGEST", 0.0)
    file = tmp_path / "a.yaml"
    watch = await watched(file, "1")
    with file.open("w") as writer:
        writer.write("2")
        writer.flush()

        assert await watch.changed()


async def test_an_edit_that_does_not_rest_yet_is_no_change_when_it_stops(tmp_path):
    """What is read then could be half of it."""
    stop = asyncio.Event()
    watch = await watched(tmp_path / "a.yaml", "1")
    (tmp_path / "a.yaml").write_text("2")
    assert await watch.changed(stop)

    stop.set()
    assert not await watch.changed(stop)


async def test_it_waits_no_longer_than_asked_and_stops_nothing_else(tmp_path):
    stop = asyncio.Event()
    watch = await watched(tmp_path / "a.yaml", "1")

    assert not await watch.changed(stop, 0.01)
    assert not stop.is_set()


async def test_the_swap_of_a_kubernetes_config_map_is_a_change(tmp_path):
    """The kubelet renames a link to a new folder over the old link; the file itself stays a link."""
    for version in ("1", "2"):
        (tmp_path / f"..v{version}").mkdir()
        (tmp_path / f"..v{version}" / "flow.yaml").write_text(version)
    (tmp_path / "..data").symlink_to("..v1")
    (tmp_path / "flow.yaml").symlink_to("..data/flow.yaml")
    watch = Watch(lambda: [tmp_path])
    watch.read(lambda: None)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(watch.changed())
        await asyncio.sleep(0)
        (tmp_path / "..data_tmp").symlink_to("..v2")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    assert waiting.result()


@pytest.mark.parametrize("error", [OSError(28, "limit of watches reached"), RuntimeError("no watcher")])
async def test_without_a_watcher_it_looks_now_and_then(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", refuse)
    monkeypatch.setattr(watching, "FALLBACK", 1)
    watch = await watched(tmp_path / "a.yaml", "1")
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(watch.changed())
        await asyncio.sleep(0)
        (tmp_path / "a.yaml").write_text("2")

    assert waiting.result()


async def test_a_folder_that_goes_and_comes_is_watched_on(tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "FALLBACK", 10)
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "a.yaml").write_text("1")
    watch = Watch(lambda: [folder])
    watch.read(lambda: None)
    (folder / "a.yaml").unlink()
    folder.rmdir()
    assert await watch.changed()
    watch.read(lambda: None)
    assert not await watch.changed(None, 0.05)

    folder.mkdir()
    (folder / "a.yaml").write_text("1")
    assert await watch.changed()
