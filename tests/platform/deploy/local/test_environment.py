"""The environment of a child: what is allowed and reserved at first, then what its deployment gives."""

from __future__ import annotations

from pathlib import Path

import pytest

import octo
from octo_platform.deploy.local.environment import environment, given
from octo_platform.deploy.target import Refused

HOME = str(Path(octo.__file__).parents[1])


def test_only_what_is_allowed_is_inherited():
    parent = {"PATH": "/bin", "TZ": "UTC", "AUTH_SECRET": "x", "OCTO_SERVICES": "memory:", "HOME": "/root", "LANG": ""}

    assert environment(parent, {}) == {
        "PATH": "/bin",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": HOME,
    }


def test_the_platform_has_the_last_word():
    wanted = {"WORD": "one", "OCTO_ANYTHING": "x", "HTTP_PORT": "1", "PATH": "/evil", "LD_PRELOAD": "/x.so"}
    found = environment({"PATH": "/bin", "TZ": "UTC"}, {"HTTP_PORT": "20000", "HOME": "/home"})

    assert given(wanted) == {"WORD": "one"}
    assert found == {
        "PATH": "/bin",
        "TZ": "UTC",
        "HTTP_PORT": "20000",
        "HOME": "/home",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": HOME,
    }


def test_search_paths_do_not_depend_on_where_a_process_stands():
    """It stands in a folder that its flows may write, and what is found there would run before it is closed in."""
    found = environment({"PYTHONPATH": f"lib::/abs:{HOME}", "LD_LIBRARY_PATH": "::/lib:."}, {})

    assert found["PYTHONPATH"].split(":") == [str(Path.cwd() / "lib"), "/abs", HOME]
    assert found["LD_LIBRARY_PATH"].split(":") == ["/lib", str(Path.cwd())]


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "\0")])
def test_what_no_environment_can_have_is_refused(name, value):
    with pytest.raises(Refused):
        given({name: value})
