"""Only the content of the watched files counts."""

from __future__ import annotations

import asyncio

from octo.engine.watch import changes, fingerprint


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


async def test_other_files_in_the_folder_wake_nobody(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("1")
    stop = asyncio.Event()
    seen = []

    async def watch():
        async for each in changes(lambda: [file], stop):
            seen.append(each)
            stop.set()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(watch())
        await asyncio.sleep(0)  # the watcher has taken its first look
        while not seen:
            (tmp_path / "noise.log").write_text("x")
            replace(file, "2")
            await asyncio.sleep(0.01)

    assert seen == [fingerprint([file])]


def replace(file, text):
    """As editors do: never half written."""
    (file.parent / "new").write_text(text)
    (file.parent / "new").rename(file)
