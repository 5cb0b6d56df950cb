"""An enclosure reaches the process that it is for as it was written, and nothing of others' reaches it before."""

from __future__ import annotations

import sys

from octo_platform.enclosure.enclosure import Enclosure, program

ENCLOSURE = Enclosure(("/a",), ("/b",), ("/c",), None, (8321,), (80,), {"FSIZE": 1}, "/g", is_required=True)


def test_it_is_read_as_it_was_written():
    assert Enclosure.read(ENCLOSURE.as_text()) == ENCLOSURE
    assert Enclosure.read(Enclosure().as_text()) == Enclosure()


def test_python_looks_for_modules_in_no_folder_that_others_may_write():
    """That of the user, who is the flows' own home, and the one that it stands in."""
    command = program("octo", ["run"], {}, ENCLOSURE).command
    assert command[1:4] == ["-s", "-P", "-m"]
    assert command[4:] == ["octo_platform.enclosure.enclosed", "octo", "run"]


def test_variables_of_others_come_into_force_behind_it():
    found = program("octo", [], {"PATH": "/bin"}, ENCLOSURE, {"GCONV_PATH": "/b"}).environment
    assert found == {"PATH": "/bin", "OCTO_GIVEN_GCONV_PATH": "/b", "OCTO_ENCLOSURE": ENCLOSURE.as_text()}


def test_without_one_the_module_is_started_as_it_is():
    found = program("octo", ["run"], {"PATH": "/bin", "TZ": "UTC"}, None, {"TZ": "CET"})
    assert found.command == [sys.executable, "-s", "-P", "-m", "octo", "run"]
    assert found.environment == {"PATH": "/bin", "TZ": "CET"}
