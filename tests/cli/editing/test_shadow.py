"""A copy of the project with what is not saved in its place."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from octo.cli.authoring.folder import Folder
from octo.cli.authoring.refusal import Refused
from octo.cli.editing import shadow as shadow_module
from octo.cli.editing.shadow import Shadow, refuse_large, sweep
from octo.cli.editing.tree import WITH_ENV


@pytest.fixture
def shadow(project):
    (project / ".env").write_text("A=b")
    (project / "deep").mkdir()
    (project / "deep" / "x.py").write_text("1")
    with Shadow.open(Folder(project, rules=WITH_ENV)) as found:
        yield found


def content(shadow) -> dict[str, str]:
    files = (each for each in shadow.root.rglob("*") if each.is_file())
    return {each.relative_to(shadow.root).as_posix(): each.read_text() for each in files}


def test_saved_and_unsaved_texts(shadow, project):
    """The saved files with their `.env`, and over them the texts of a page; None is a file that is gone."""
    flow = (project / "flow.yaml").read_text()

    shadow.update({})
    assert content(shadow) == {".env": "A=b", "deep/x.py": "1", "flow.yaml": flow}

    shadow.update({"flow.yaml": "new", "deep/x.py": None, "more/y.yaml": "y"})
    assert content(shadow) == {".env": "A=b", "flow.yaml": "new", "more/y.yaml": "y"}

    shadow.update({})
    assert content(shadow) == {".env": "A=b", "deep/x.py": "1", "flow.yaml": flow}
    assert (project / "flow.yaml").read_text() == flow


def test_it_follows_the_project(shadow, project):
    shadow.update({})
    (project / "flow.yaml").write_text("saved elsewhere")
    (project / "deep" / "x.py").unlink()
    shadow.update({})

    assert content(shadow) == {".env": "A=b", "flow.yaml": "saved elsewhere"}


def test_what_has_not_changed_is_not_written(shadow):
    """What watches the copy sees only what is new."""
    shadow.update({"flow.yaml": "new"})
    before = {each: each.stat().st_ino for each in shadow.root.rglob("*")}
    shadow.update({"flow.yaml": "new"})

    assert {each: each.stat().st_ino for each in shadow.root.rglob("*")} == before


@pytest.mark.parametrize("name", ["../x", "/x", ".env", "a/../../x", "deep/.hidden"])
def test_no_text_leads_out_of_it(shadow, name):
    with pytest.raises(Refused):
        shadow.update({name: "x"})
    with pytest.raises(Refused):
        shadow.update({name: None})


def test_no_link_is_followed(shadow, project, tmp_path):
    (tmp_path / "outside.yaml").write_text("outside")
    (project / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    shadow.update({})

    assert "link.yaml" not in content(shadow)


def test_large_files_are_left_out(shadow, project, monkeypatch):
    monkeypatch.setattr(shadow_module, "MOST_COPIED", 10)
    (project / "large.db").write_text("x" * 11)
    shadow.update({})

    assert "large.db" not in content(shadow)
    with pytest.raises(Refused):
        refuse_large({"a": "x" * 6, "b": None, "c": "x" * 6}, 11)


def test_only_its_user_may_read_it(shadow):
    assert shadow.base.stat().st_mode & 0o077 == 0


def test_nothing_is_left(project):
    with Shadow.open(Folder(project, rules=WITH_ENV)) as found:
        found.update({"a/b": "x"})

    assert not found.base.exists()


def test_copies_of_editors_that_were_killed_are_swept(tmp_path, monkeypatch):
    """Those of living ones, and what only looks like one, stay."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    names = [f"octo-edit-{gone.pid}-a", f"octo-edit-{os.getpid()}-b", "octo-edit-c", "octo-edit-x-d"]
    for name in names:
        (tmp_path / name / "copy").mkdir(parents=True)
    (tmp_path / f"octo-edit-{gone.pid}-link").symlink_to(tmp_path / names[1])

    sweep()

    assert sorted(each.name for each in tmp_path.iterdir() if not each.is_symlink()) == sorted(names[1:])
    assert (tmp_path / names[1] / "copy").exists()
