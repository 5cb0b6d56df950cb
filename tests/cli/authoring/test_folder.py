"""The files of a project: nothing outside of it is reached, and no edit is lost."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from octo.cli.authoring import codes
from octo.cli.authoring.folder import MOST_BYTES, Folder, Rules, hash_of
from octo.cli.authoring.refusal import Refused
from octo.core.secrets import MASKED


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    (root / "flow.yaml").write_text("flows: []\n")
    return root


@pytest.fixture
def folder(project):
    return Folder(project)


def refused(call, *arguments) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value


# --- reading -----------------------------------------------------------------------------------------------------


def test_what_is_listed(project, folder):
    """Flows, tests, modules and texts with their sizes; nothing hidden, no other kinds, no links."""
    (project / "orders").mkdir()
    (project / "orders" / "flow_test.yml").write_text("cases: []\n")
    (project / "prices.py").write_text("")
    (project / "page.html").write_text("<p>")
    (project / ".env").write_text("A=b")
    (project / ".git").mkdir()
    (project / ".git" / "config.txt").write_text("")
    (project / "__pycache__").mkdir()
    (project / "__pycache__" / "x.txt").write_text("")
    (project / "photo.png").write_bytes(b"\x89")
    (project / "link.yaml").symlink_to(project / "flow.yaml")

    assert [(each.path, each.kind, each.bytes) for each in folder.files()] == [
        ("flow.yaml", "flow", 10),
        ("orders/flow_test.yml", "test", 10),
        ("page.html", "text", 3),
        ("prices.py", "module", 0),
    ]


def test_a_part_of_the_project_is_listed(project, folder):
    (project / "orders").mkdir()
    (project / "orders" / "flow.yaml").write_text("")

    assert [each.path for each in folder.files("orders")] == ["orders/flow.yaml"]
    assert refused(folder.files, "..").code == codes.OUTSIDE


def test_a_project_is_listed_in_bounded_time(project, monkeypatch):
    monkeypatch.setattr("octo.cli.authoring.folder.MOST_SEEN", 10)
    for number in range(11):
        (project / f"{number}.bin").write_text("")

    assert refused(Folder(project).files).code == codes.SIZE


def test_a_text_is_read_with_its_hash(folder):
    assert folder.read("flow.yaml") == ("flows: []\n", hash_of(b"flows: []\n"))


OUTSIDE = [
    *("", "/etc/passwd", "..", "../flow.yaml", "a/../../b.yaml", "a\\..\\b.yaml", "//flow.yaml", "a//b.yaml"),
    *(".env", ".env.yaml", ".octo/traces.yaml", "a/.git/b.yaml", "flow.yaml/", "a\0.yaml", "a\n.yaml"),
    *("x" * 300 + ".yaml", "/".join("a" * 20) + ".yaml", "__pycache__/a.yaml"),
]


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: repr(path[:20]))
def test_paths_that_lead_out(folder, path):
    """No tool takes them, whether there is something or not."""
    for call in (folder.read, lambda name: folder.write(name, "", "x"), lambda name: folder.delete(name, "x")):
        assert refused(call, path).code in (codes.OUTSIDE, codes.KIND)
    if path:
        assert refused(folder.place, path).code == codes.OUTSIDE


@pytest.mark.parametrize("path", ["notes.env", "keys.pem", "id_rsa", "a.exe", "flow.yaml.bak", "app.db"])
def test_kinds_that_are_closed(project, folder, path):
    (project / path).write_text("x")

    assert refused(folder.read, path).code == codes.KIND
    assert refused(folder.write, path, "", "x").code == codes.KIND


def test_modules_are_read_only(project, folder):
    """They can do anything, so an assistant does not write them."""
    (project / "prices.py").write_text("x = 1\n")

    assert folder.read("prices.py").text == "x = 1\n"
    assert refused(folder.write, "prices.py", hash_of(b"x = 1\n"), "").code == codes.KIND


def test_links_lead_nowhere(tmp_path, project, folder):
    """Neither a link to a file nor one to a folder, also if it stays inside; and nothing is written through one."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("x")
    (project / "file.yaml").symlink_to(outside / "secret.yaml")
    (project / "inside.yaml").symlink_to("flow.yaml")
    (project / "dangling.yaml").symlink_to(outside / "new.yaml")
    (project / "folder").symlink_to(outside)

    for path in ("file.yaml", "inside.yaml", "dangling.yaml", "folder/secret.yaml", "folder/new.yaml"):
        assert refused(folder.read, path).code == codes.OUTSIDE
        assert refused(folder.write, path, "", "x").code == codes.OUTSIDE
    for path in ("file.yaml", "folder", "folder/secret.yaml"):
        assert refused(folder.place, path).code == codes.OUTSIDE
    assert (outside / "secret.yaml").read_text() == "x"
    assert not (outside / "new.yaml").exists()


def test_what_is_no_text(project, folder):
    """Bytes, zero bytes, a pipe, a folder, a file that is too large: said, and not waited for."""
    (project / "bytes.txt").write_bytes(b"\xff\xfe")
    (project / "zero.txt").write_bytes(b"a\0b")
    os.mkfifo(project / "pipe.txt")
    (project / "folder.txt").mkdir()
    (project / "huge.txt").write_bytes(b"x" * (MOST_BYTES + 1))

    for path in ("bytes.txt", "zero.txt", "pipe.txt", "folder.txt"):
        assert refused(folder.read, path).code == codes.KIND
    assert refused(folder.read, "huge.txt").code == codes.SIZE


PARTS = ["..", ".", "", "a", "out", "file.yaml", "secret.yaml", ".env", "x\0", "~"]


@given(st.lists(st.sampled_from(PARTS), max_size=6))
def test_no_path_leads_out(parts):
    """Whatever is made of names, of links to the outside and of dots: what is outside is neither read nor changed."""
    with tempfile.TemporaryDirectory() as place:
        outside, root = Path(place, "outside"), Path(place, "project")
        outside.mkdir()
        (outside / "secret.yaml").write_text("secret")
        (root / "a").mkdir(parents=True)
        (root / "out").symlink_to(outside)
        (root / "a" / "out").symlink_to("../../outside")
        (root / "file.yaml").symlink_to(outside / "secret.yaml")
        folder, name = Folder(root), "/".join(parts)
        with contextlib.suppress(Refused):
            assert folder.read(name).text != "secret"
        with contextlib.suppress(Refused):
            folder.write(name, "", "changed")
        with contextlib.suppress(Refused):
            folder.delete(name, hash_of(b"secret"))
        assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("secret.yaml", "secret")]


def test_a_link_that_comes_meanwhile_leads_nowhere(tmp_path, project, folder):
    """Somebody puts a link in place of the folder again and again, while files are written into it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (project / "a").mkdir()
    is_over = threading.Event()
    here, away = project / "a", project / "b"
    steps = (lambda: here.rename(away), lambda: here.symlink_to(outside), here.unlink, lambda: away.rename(here))

    def swap() -> None:
        while not is_over.is_set():
            for step in steps:
                with contextlib.suppress(OSError):  # the folder is made anew by whoever writes just then
                    step()

    thread = threading.Thread(target=swap)
    thread.start()
    for number in range(300):
        with contextlib.suppress(Refused):
            folder.write(f"a/{number}.yaml", "", "x")
    is_over.set()
    thread.join()

    assert list(outside.iterdir()) == []


# --- writing -----------------------------------------------------------------------------------------------------


def test_a_new_file_and_its_folder(project, folder):
    saved = folder.write("orders/flow.yaml", "", "flows: []\n")

    assert (project / "orders" / "flow.yaml").read_text() == "flows: []\n"
    assert folder.read("orders/flow.yaml").hash == saved
    assert [path.name for path in (project / "orders").iterdir()] == ["flow.yaml"]


def test_edits_are_made_in_order_and_all_or_none(project, folder):
    (project / "flow.yaml").write_text("a: 1\r\nb: 2\r\n")
    known = folder.read("flow.yaml").hash
    wrong = [{"find": "a: 1", "replace": "a: 3"}, {"find": "c", "replace": ""}]

    error = refused(folder.edit, "flow.yaml", known, wrong)

    assert (error.code, "edit 2 is not in" in str(error)) == (codes.NOT_ONCE, True)
    assert (project / "flow.yaml").read_bytes() == b"a: 1\r\nb: 2\r\n"
    folder.edit("flow.yaml", known, [{"find": "a: 1", "replace": "a: 3"}, {"find": "a: 3", "replace": "a: 4"}])
    assert (project / "flow.yaml").read_bytes() == b"a: 4\r\nb: 2\r\n"


def test_a_text_that_is_there_twice_is_not_replaced(project, folder):
    (project / "flow.yaml").write_text("x x")

    assert "2 times" in str(refused(folder.edit, "flow.yaml", hash_of(b"x x"), [{"find": "x", "replace": "y"}]))


def test_a_stale_hash_is_refused_with_the_one_that_is(project, folder):
    known = folder.read("flow.yaml").hash
    (project / "flow.yaml").write_text("saved by somebody else")
    now = hash_of(b"saved by somebody else")

    for hash_, call in ((known, "again"), ("", "there already"), ("x", "again")):
        error = refused(folder.write, "flow.yaml", hash_, "mine")
        assert error.code == codes.STALE
        assert error.facts == {"current_hash": now}
        assert call in f"{error} {error.hint}"
    assert refused(folder.delete, "flow.yaml", known).code == codes.STALE
    assert refused(folder.write, "gone.yaml", known, "x").facts == {"current_hash": ""}
    assert (project / "flow.yaml").read_text() == "saved by somebody else"


def test_a_file_keeps_its_mode(project, folder):
    (project / "flow.yaml").chmod(0o640)
    folder.write("flow.yaml", folder.read("flow.yaml").hash, "x")

    assert (project / "flow.yaml").stat().st_mode & 0o777 == 0o640


def test_a_hard_link_is_cut(tmp_path, project, folder):
    """The other name of the file keeps its text: a file is replaced, never written into."""
    (tmp_path / "other.yaml").hardlink_to(project / "flow.yaml")
    folder.write("flow.yaml", folder.read("flow.yaml").hash, "x")

    assert (tmp_path / "other.yaml").read_text() == "flows: []\n"


def test_the_mark_of_a_secret_is_not_written(folder):
    known = folder.read("flow.yaml").hash

    assert refused(folder.write, "flow.yaml", known, f"password: {MASKED}").code == codes.HIDDEN


def test_a_text_that_is_too_large(folder):
    assert refused(folder.write, "big.txt", "", "é" * MOST_BYTES).code == codes.SIZE


def test_two_editors_at_once_lose_nothing(project):
    """Each of several editors adds its line with the hash that it read, and reads again if another was faster."""
    (project / "flow.yaml").write_text("# end\n")
    began = threading.Barrier(6)

    def edit(number: int) -> None:
        mine = Folder(project)
        began.wait()
        for turn in range(5):
            while True:
                found = mine.read("flow.yaml")
                try:
                    mine.edit("flow.yaml", found.hash, [{"find": "# end", "replace": f"# {number}.{turn}\n# end"}])
                except Refused as error:
                    assert error.code == codes.STALE  # noqa: PT017
                else:
                    break

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    lines = (project / "flow.yaml").read_text().split("\n")
    assert sorted(lines[:-2]) == sorted(f"# {number}.{turn}" for number in range(6) for turn in range(5))
    assert [path.name for path in project.iterdir()] == ["flow.yaml"]


def test_delete(project, folder):
    folder.delete("flow.yaml", folder.read("flow.yaml").hash)

    assert not (project / "flow.yaml").exists()
    assert refused(folder.delete, "flow.yaml", "x").code == codes.MISSING


def test_files_with_variables_are_closed_whatever_they_are_called(project):
    (project / "prod.txt").write_text("A=b")
    closed = Folder(project, lambda: {"prod.txt"})

    assert [each.path for each in closed.files()] == ["flow.yaml"]
    assert refused(closed.read, "./prod.txt").code == codes.KIND
    assert refused(closed.write, "prod.txt", hash_of(b"A=b"), "").code == codes.KIND


@pytest.mark.parametrize("links", [True, False])
def test_a_file_gets_another_name(project, folder, monkeypatch, links):
    """In a new folder too, but where nothing is; whether the file system has hard links or not."""

    def unsupported(*_, **__):
        raise PermissionError

    if not links:
        monkeypatch.setattr(os, "link", unsupported)
    known = folder.read("flow.yaml").hash
    (project / "other.yaml").write_text("other")

    assert refused(folder.rename, "flow.yaml", "x", "new.yaml").code == codes.STALE
    assert refused(folder.rename, "gone.yaml", known, "new.yaml").code == codes.MISSING
    assert refused(folder.rename, "flow.yaml", known, "other.yaml").code == codes.STALE
    assert refused(folder.rename, "flow.yaml", known, "../new.yaml").code == codes.OUTSIDE
    folder.rename("flow.yaml", known, "deep/new.yaml")

    assert (project / "deep" / "new.yaml").read_text() == "flows: []\n"
    assert (project / "other.yaml").read_text() == "other"
    assert not (project / "flow.yaml").exists()


def test_rules_for_people(project):
    """The editor reads and writes any text of a project, and where a name with a dot is open, that too."""
    (project / ".env").write_text("A=b")
    (project / ".hidden").write_text("x")
    folder = Folder(project, rules=Rules(None, None, 10, hides=False, dotted=frozenset({".env"})))

    assert [path.as_posix() for path, _ in folder.walk()] == [".env", "flow.yaml"]
    folder.write("x.py", "", f"# {MASKED}"[:9])
    assert refused(folder.write, "y.py", "", "x" * 11).code == codes.SIZE
    assert refused(folder.read, ".hidden").code == codes.OUTSIDE
    assert folder.read(".env").text == "A=b"


def test_a_folder_that_is_gone(tmp_path):
    assert refused(Folder(tmp_path / "nowhere").read, "flow.yaml").code == codes.MISSING
