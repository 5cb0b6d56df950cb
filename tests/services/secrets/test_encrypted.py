"""Secrets in an encrypted file: nothing but what was written is ever read, and nothing is lost on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import date

import pytest

from octo.core.errors import Permanent
from octo.core.secrets import masked
from octo.services import codes, limits
from octo.services.secrets import keys, replacing, sealed
from octo.services.secrets.encrypted import Encrypted, store

OLD, NEW = (keys.made(date(2026, 1, day)) for day in (1, 2))


@pytest.fixture
def place(tmp_path):
    """Opens the file with keys, the newest first."""

    def opened(*ring: str) -> Encrypted:
        return Encrypted(tmp_path / "secrets.json", {keys.VARIABLE: "\n".join(ring)})

    return opened


@pytest.fixture
def filled(place):
    found = place(OLD)
    for name, text in (("a", "first secret"), ("b", "second secret"), ("é", "third\n🦊\n")):
        found.set(name, text)
    return found


def path_of(found: Encrypted):
    return found.files("")[0]


# --- writing and reading -----------------------------------------------------------------------------------------


def test_what_was_written_is_read(filled):
    assert [filled.find(name) for name in "abé"] == ["first secret", "second secret", "third\n🦊\n"]
    assert filled.find("c") is None
    assert [name for name, _ in filled.listed()] == ["a", "b", "é"]
    assert b"secret" not in path_of(filled).read_bytes().replace(b'"octo-secrets 1"', b"").replace(b'"secrets"', b"")


def test_the_same_text_is_never_encrypted_the_same(filled):
    before = path_of(filled).read_text()
    filled.set("b", "first secret")
    found = json.loads(path_of(filled).read_text())["secrets"]
    nonces = [each["nonce"] for each in found.values()]
    assert found["a"]["text"] != found["b"]["text"]
    assert len({*nonces}) == len(nonces)
    assert path_of(filled).read_text() != before


def test_set_says_whether_it_is_new_and_remove_whether_it_was_there(filled):
    assert (filled.set("a", "x"), filled.set("z", "x")) == (False, True)
    assert (filled.remove("z"), filled.remove("z")) == (True, False)


def test_a_new_file_is_for_its_owner_alone_and_an_old_one_stays_as_open_as_it_was(filled):
    assert path_of(filled).stat().st_mode & 0o777 == 0o600
    path_of(filled).chmod(0o640)
    filled.set("a", "x")
    assert path_of(filled).stat().st_mode & 0o777 == 0o640
    assert [each.name for each in path_of(filled).parent.iterdir()] == ["secrets.json"]


def test_a_link_to_the_file_stays_a_link(filled, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to("secrets.json")
    Encrypted(link, {keys.VARIABLE: OLD}).set("a", "through the link")
    assert link.is_symlink()
    assert filled.find("a") == "through the link"


def test_writers_wait_for_one_another(filled):
    """Without that, the second of two would take back what the first has written."""
    several = [threading.Thread(target=filled.set, args=(f"n{number}", "x")) for number in range(16)]
    for each in several:
        each.start()
    for each in several:
        each.join()
    assert {f"n{number}" for number in range(16)} < {name for name, _ in filled.listed()}


@pytest.mark.parametrize(("name", "text"), [("", "x"), ("a\0", "x"), ("x" * 513, "x"), ("a", "x" * (1 << 20) + "x")])
def test_limits_hold_before_anything_is_written(filled, name, text):
    before = path_of(filled).read_bytes()
    with pytest.raises(Permanent) as refused:
        filled.set(name, text)
    assert refused.value.code == codes.LIMIT
    assert path_of(filled).read_bytes() == before


# --- what was not written by octo is refused ---------------------------------------------------------------------


def refused(found: Encrypted, name: str = "a") -> Permanent:
    with pytest.raises(Permanent) as caught:
        found.find(name)
    assert "first secret" not in str(caught.value)
    return caught.value


def test_any_byte_that_is_flipped_is_found(filled):
    whole = path_of(filled).read_bytes()
    for at in range(len(whole)):
        path_of(filled).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert refused(filled).code in (codes.SEALED, codes.KEYS), at


def test_a_file_that_was_cut_is_found(filled):
    whole = path_of(filled).read_bytes()
    for size in range(len(whole)):
        path_of(filled).write_bytes(whole[:size])
        assert refused(filled).code == codes.SEALED, size


def swap(secrets):
    secrets["a"], secrets["b"] = secrets["b"], secrets["a"]


def rename(secrets):
    secrets["a"] = secrets.pop("b")


def drop(secrets):
    del secrets["b"]


@pytest.mark.parametrize("change", [swap, rename, drop])
def test_secrets_that_were_moved_are_found(filled, change):
    content = json.loads(path_of(filled).read_text())
    change(content["secrets"])
    path_of(filled).write_bytes(sealed._text(content))
    assert refused(filled).code == codes.SEALED


def test_a_secret_of_an_older_file_is_no_part_of_a_newer_one(filled):
    old = json.loads(path_of(filled).read_text())
    filled.set("a", "changed, because the old one was stolen")
    content = json.loads(path_of(filled).read_text())
    content["secrets"]["a"] = old["secrets"]["a"]
    path_of(filled).write_bytes(sealed._text(content))
    assert refused(filled).code == codes.SEALED


def test_even_without_the_seal_a_secret_is_bound_to_its_name(filled):
    ring = keys.parsed(OLD, "here")
    entries = sealed.read(path_of(filled).read_bytes(), "it", ring)
    with pytest.raises(Permanent, match="not as it was written"):
        sealed.opened("b", entries["a"], ring)
    with pytest.raises(Permanent, match="not as it was written"):
        sealed.opened("a", entries["a"]._replace(nonce=b""), ring)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"format": 1}', "[" * 100_000, '"\\ud800"', "\xff"])
def test_what_is_no_such_file_is_refused(filled, text):
    path_of(filled).write_bytes(text.encode("latin-1"))
    assert refused(filled).code == codes.SEALED


def test_a_newer_form_is_refused(filled):
    path_of(filled).write_bytes(path_of(filled).read_bytes().replace(b"octo-secrets 1", b"octo-secrets 9"))
    assert "has the format 'octo-secrets 9'" in str(refused(filled))


def test_a_file_that_is_not_there_says_how_it_is_made(place):
    assert "`octo secrets set` makes it" in str(refused(place(OLD)))


def test_a_url_names_the_file(tmp_path):
    assert store(f"encrypted:{tmp_path}/a%2Cb.json").place == f"the encrypted file '{tmp_path}/a,b.json'"
    with pytest.raises(Permanent, match="needs the path of a file"):
        store("encrypted:")


# --- keys --------------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_named(filled, place):
    error = refused(place(NEW))
    assert error.code == codes.KEYS
    assert f"was written with the key '{OLD.partition(':')[0]}', which is not among the keys: 20260102-" in str(error)


def test_an_older_key_still_reads_and_the_newest_writes(filled, place):
    both = place(NEW, OLD)
    assert both.find("a") == "first secret"
    both.set("a", "new")
    assert [note[:12] for _, note in both.listed()] == ["key 20260102", "key 20260101", "key 20260101"]
    assert place(NEW).find("a") == "new"
    assert refused(place(NEW), "b").code == codes.KEYS


def test_after_a_rotation_the_old_key_is_not_needed(filled, place):
    assert place(NEW, OLD).rotate() == (3, NEW.partition(":")[0])
    assert [place(NEW).find(name) for name in ("a", "b", "é")] == ["first secret", "second secret", "third\n🦊\n"]
    assert refused(place(OLD)).code == codes.KEYS


def test_a_rotation_without_a_key_that_is_needed_changes_nothing(filled, place):
    place(NEW, OLD).set("a", "new")
    before = path_of(filled).read_bytes()
    with pytest.raises(Permanent, match="the secret 'b' was written with the key"):
        place(NEW).rotate()
    assert path_of(filled).read_bytes() == before


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({}, "set OCTO_SECRETS_KEYS or OCTO_SECRETS_KEY_FILE"),
        ({keys.VARIABLE: OLD, keys.FILE_VARIABLE: "x"}, "not both"),
        ({keys.FILE_VARIABLE: "/nowhere/keys"}, "cannot be read: No such file"),
        ({keys.VARIABLE: "# nothing"}, "there is no key"),
        ({keys.VARIABLE: f"{OLD},{OLD}"}, "a key is twice"),
        ({keys.VARIABLE: f"{NEW}\nhunter2hunter2"}, "line 2 of $OCTO_SECRETS_KEYS is no key"),
        ({keys.VARIABLE: OLD.replace(":", ":A", 1)[: len(OLD)]}, "is no key"),
        ({keys.VARIABLE: "x" * 70_000}, "have more than"),
    ],
)
def test_keys_that_are_missing_or_wrong_are_told_and_never_shown(environ, complaint):
    with pytest.raises(Permanent) as caught:
        keys.read(environ)
    assert caught.value.code == codes.KEYS
    assert complaint in str(caught.value)
    assert OLD.partition(":")[2] not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_key_that_was_copied_wrongly_is_told_from_one_that_does_not_fit():
    name, _, text = OLD.partition(":")
    wrong = f"{name}:{'B' if text[0] == 'A' else 'A'}{text[1:]}"
    with pytest.raises(Permanent, match="copy it again"):
        keys.parsed(wrong, "here")


def test_a_key_is_masked_from_the_moment_it_is_read():
    fresh = keys.made(date(2026, 1, 3))
    keys.parsed(fresh, "here")
    assert fresh.partition(":")[2] not in masked(f"somebody logs {fresh}")


def test_a_key_file_has_comments_and_gets_new_keys_in_front(tmp_path):
    path = tmp_path / "keys"
    keys.add(path, OLD)
    path.write_text(f"{path.read_text()}# of last year\n")
    keys.add(path, NEW)
    assert [each.id for each in keys.read({keys.FILE_VARIABLE: str(path)})] == [NEW[:15], OLD[:15]]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_key_file_is_left_alone(tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text("flows: []")
    with pytest.raises(Permanent, match="is no key"):
        keys.add(path, NEW)
    assert path.read_text() == "flows: []"


# --- a crash, a full disk ----------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from octo.services.secrets import replacing
from octo.services.secrets.encrypted import Encrypted

step, path = sys.argv[1:]
real = getattr(os, step)
def die(*arguments):
    if sys.argv[0] == "armed":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)
setattr(os, step, die)
sys.argv[0] = "armed"
Encrypted(path).rotate()
"""


@pytest.mark.parametrize("step", ["fdopen", "fchmod", "fsync", "rename", "replace"])
def test_a_rotation_that_is_killed_leaves_the_old_file_or_the_new_one(filled, place, step):
    before = path_of(filled).read_bytes()
    environ = {**os.environ, keys.VARIABLE: f"{NEW}\n{OLD}"}
    arguments = [sys.executable, "-c", KILLED, step, str(path_of(filled))]
    subprocess.run(arguments, env=environ, check=False, timeout=120)
    if path_of(filled).read_bytes() != before:
        assert place(NEW).find("a") == "first secret"
    assert place(NEW, OLD).find("a") == "first secret"
    assert place(NEW, OLD).rotate()[0] == 3


def test_a_full_disk_leaves_the_old_file(filled, monkeypatch):
    before = path_of(filled).read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(replacing.os, "fsync", full)
    with pytest.raises(Permanent, match="cannot be written: No space left on device"):
        filled.set("a", "x")
    assert path_of(filled).read_bytes() == before
    assert [each.name for each in path_of(filled).parent.iterdir()] == ["secrets.json"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Permanent, match="cannot be opened: No such file"):
        Encrypted(tmp_path / "nowhere" / "a.json", {keys.VARIABLE: OLD}).set("a", "x")


def test_a_file_that_is_too_large_is_refused(filled, monkeypatch):
    monkeypatch.setattr(sealed, "MOST_BYTES", 10)
    assert refused(filled).code == codes.LIMIT
    assert limits.LARGEST_VALUE < 16 << 20


def test_without_the_package_it_says_what_to_install(monkeypatch, place):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(Permanent, match=r"pip install 'octo-flows\[crypto\]'"):
        place(OLD).set("a", "x")
