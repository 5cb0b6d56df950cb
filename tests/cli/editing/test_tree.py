"""What each file is for, and in which version it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.cli.authoring.folder import Folder, hash_of
from octo.cli.authoring.refusal import Refused
from octo.cli.editing import tree as tree_module
from octo.cli.editing.tree import RULES, Tree, kind


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("a.yaml", "flows: []", "flow"),
        ("a.yml", "service: {name: x}", "flow"),
        ("a.yaml", "", "flow"),
        ("a.yaml", "# to do\n", "flow"),
        ("a_test.yaml", "", "test"),
        ("openapi.yaml", "openapi: 3.1.0\npaths: {}\n", "resource"),
        ("prod.env", "A=b", "env"),
        ("flows.json", "flows:", "resource"),
    ],
)
def test_what_a_file_is_for(path, text, what):
    assert kind(Path(path), text.encode()) == what


def test_versions(project, monkeypatch):
    """A file is read once, and again when it has changed."""
    tree = Tree(Folder(project, rules=RULES))
    read = []
    data = Folder.data
    monkeypatch.setattr(Folder, "data", lambda self, name: read.append(name) or data(self, name))

    [first] = tree.entries()
    [second] = tree.entries()
    (project / "flow.yaml").write_text("flows: []")
    [third] = tree.entries()

    assert first == second
    assert third.etag == hash_of(b"flows: []")
    assert read == ["flow.yaml"] * 2


def test_what_cannot_be_opened_is_listed(project, monkeypatch):
    monkeypatch.setattr(tree_module, "MOST_BYTES", 3)

    [entry] = Tree(Folder(project, rules=RULES)).entries()

    assert (entry.kind, entry.etag) == ("resource", "")


def test_a_folder_that_is_gone(tmp_path):
    with pytest.raises(Refused):
        Tree(Folder(tmp_path / "nowhere", rules=RULES)).entries()


def test_there_may_be_many(project, monkeypatch):
    monkeypatch.setattr(tree_module, "MOST_FILES", 3)
    for number in range(5):
        (project / f"{number}.yaml").write_text("")

    tree = Tree(Folder(project, rules=RULES))

    assert (len(tree.entries()), tree.is_whole) == (3, False)
    monkeypatch.setattr(tree_module, "MOST_FILES", 6)
    assert (len(tree.entries()), tree.is_whole) == (6, True)
    monkeypatch.setattr("octo.cli.authoring.folder.MOST_SEEN", 4)
    assert (len(tree.entries()), tree.is_whole) == (4, False)
