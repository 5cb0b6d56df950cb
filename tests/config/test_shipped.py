"""The catalogue in the package matches the components, and reading it imports none of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from octo.builtin import BLOCKS, CONNECTORS
from octo.config.catalogue import catalogue
from octo.config.schema import json_schema
from octo.config.shipped import joined, shipped
from octo.core.plugins import Plugins
from octo.testing.probe import probe_plugins

ROOT = Path(__file__).parents[2]
BUILTIN = Plugins(CONNECTORS, BLOCKS)


def plain(value: object) -> object:
    return json.loads(json.dumps(value))


def test_the_file_is_fresh():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "catalogue.py"], capture_output=True, text=True, check=True
    )

    assert (ROOT / "octo" / "config" / "catalogue.json").read_text() == done.stdout, "run `make docs`"


def test_it_is_what_the_components_declare():
    assert shipped() == plain(catalogue(BUILTIN))


SCHEMA = """
import json, sys
{}
plugins = [name for name in sys.modules if name.startswith(("octo.blocks.", "octo.connectors."))]
print(json.dumps(plugins), file=sys.stderr)
"""
FROM_THE_FILE = """
from octo.config.schema import json_schema
from octo.config.shipped import shipped
print(json.dumps(json_schema(shipped())))
print(json.dumps("pydantic" in sys.modules))
"""
BY_THE_COMMAND = """
import contextlib
from octo.cli import octo
with contextlib.suppress(SystemExit):
    octo(["schema"])
"""


def made(code: str) -> tuple[str, list[str]]:
    """What a separate process prints, and which components it imported."""
    done = subprocess.run(
        [sys.executable, "-c", SCHEMA.format(code)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout, json.loads(done.stderr.splitlines()[-1])


def test_the_schema_is_made_from_data_alone():
    """It imports no component, nor the library that declares them; and the schema is the same."""
    printed, imported = made(FROM_THE_FILE)
    schema, with_pydantic = map(json.loads, printed.splitlines())

    assert imported == []
    assert with_pydantic is False
    assert schema == plain(json_schema(catalogue(BUILTIN)))


def test_the_command_imports_no_component():
    printed, imported = made(BY_THE_COMMAND)

    assert json.loads(printed)["title"] == "Octo flow file"
    assert imported == []


def test_components_of_others_are_added():
    """Components that are there already are not replaced."""
    other = catalogue(probe_plugins(Plugins({"http": "octo.testing.probe:Probe"}, {})))
    known = joined(shipped(), other)

    types = [each["type"] for each in known["connectors"]]
    assert types == sorted({*CONNECTORS, "probe"})
    assert next(each for each in known["connectors"] if each["type"] == "http") in shipped()["connectors"]
    assert {each["type"] for each in known["blocks"]} > set(BLOCKS)
    assert known["flow"] == shipped()["flow"]
