"""The environment of a child: allowed, given, reserved, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

import octo
from octo_platform.deploy.local.environment import environment
from octo_platform.deploy.target import Refused

HOME = str(Path(octo.__file__).parents[1])


def test_only_what_is_allowed_is_inherited():
    parent = {"PATH": "/bin", "TZ": "UTC", "AUTH_SECRET": "x", "OCTO_SERVICES": "memory:", "HOME": "/root", "LANG": ""}

    assert environment(parent, {}, {}) == {
        "PATH": "/bin",
        "TZ": "UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": HOME,
    }


def test_the_platform_has_the_last_word():
    given = {"WORD": "one", "OCTO_ANYTHING": "x", "HTTP_PORT": "1", "PATH": "/evil", "LD_PRELOAD": "/x.so", "TZ": "CET"}
    found = environment({"PATH": "/bin", "TZ": "UTC"}, given, {"HTTP_PORT": "20000", "HOME": "/home"})

    assert found == {
        "PATH": "/bin",
        "TZ": "CET",
        "WORD": "one",
        "HTTP_PORT": "20000",
        "HOME": "/home",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": HOME,
    }


def test_the_path_of_python_does_not_depend_on_where_a_process_stands():
    found = environment({"PYTHONPATH": f"lib::/abs:{HOME}"}, {}, {})["PYTHONPATH"]

    assert found.split(":") == [str(Path.cwd() / "lib"), "/abs", HOME]


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "\0")])
def test_what_no_environment_can_have_is_refused(name, value):
    with pytest.raises(Refused):
        environment({}, {name: value}, {})
