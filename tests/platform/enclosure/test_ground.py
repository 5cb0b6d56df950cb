"""What every process may read, and what is left out of it."""

from __future__ import annotations

import json
import os
import sys

from octo_platform.enclosure.ground import around, read


def test_what_is_hidden_is_left_out_and_what_is_beside_it_is_not(tmp_path):
    for each in ("a/b/secret", "a/b/more", "a/c", "d"):
        (tmp_path / each).mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a" / "b" / "secret")
    root = str(tmp_path)

    assert set(around(root, {f"{root}/a/b/secret"})) == {f"{root}/a/b/more", f"{root}/a/c", f"{root}/d"}
    assert list(around(root, {root})) == []
    assert list(around(f"{root}/a/b", {f"{root}/a"})) == [f"{root}/a/b"]  # Python itself may lie where much is hidden
    assert list(around(root, {f"{root}x", f"{root}/nothing"[:-1]})) != [root]
    assert list(around(root, {f"{root}x"})) == [root]


def test_python_and_its_packages_are_read_and_no_secret_of_the_system():
    found = list(read(()))

    def is_read(path):
        real = os.path.realpath(path)
        return any(real == each or real.startswith(f"{each}/") for each in found)

    assert all(map(is_read, (sys.executable, json.__file__, os.__file__, "/bin/sh", "/etc/hosts", "/proc/self/status")))
    assert not any(map(is_read, ("/", "/etc/shadow", "/etc/ssl/private", "/var/log", "/run", "/tmp", "/dev/shm")))


def test_a_file_of_certificates_that_is_named_is_read(tmp_path, monkeypatch):
    (tmp_path / "ca.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))

    assert str(tmp_path / "ca.pem") in list(read(()))
