"""How a trace store is named and opened."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.trace.file import File
from octo.trace.memory import Memory
from octo.trace.opening import open_store
from octo.trace.sqlite import Sqlite


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", Memory),
        ("file:x.txt", File),
        ("x.jsonl", File),
        ("some/where.ndjson", File),
        ("sqlite:x", Sqlite),
        ("./x.db", Sqlite),
        ("x.sqlite", Sqlite),
    ],
)
def test_a_store_is_named_by_kind_or_ending(url, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some").mkdir()

    assert isinstance(open_store(url, write=True), kind)


@pytest.mark.parametrize("url", ["", "x", "postgres://h/db", "file:", "sqlite:", "memory:x.db", "x.txt"])
def test_what_names_no_store_is_refused_with_what_does(url):
    with pytest.raises(Permanent, match=r"write memory:, file:traces\.jsonl or sqlite:traces\.db"):
        open_store(url)


def test_the_memory_of_another_process_is_read_through_its_port():
    with pytest.raises(Permanent, match="ask its operations port for GET /traces") as caught:
        open_store("memory:")
    assert caught.value.code == "OCTO-S102"


@pytest.mark.parametrize("url", ["x.jsonl", "x.db"])
def test_reading_makes_no_file(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Permanent, match="no trace store at") as caught:
        open_store(url)
    assert caught.value.code == "OCTO-S102"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["gone/x.jsonl", "gone/x.db", "folder.jsonl", "folder.db"])
def test_a_place_that_cannot_be_written_is_refused_at_once(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "folder.db").mkdir()

    with pytest.raises(Permanent, match="cannot be used as a trace store") as caught:
        open_store(url, write=True)
    assert caught.value.code == "OCTO-S101"
