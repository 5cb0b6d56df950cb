"""The command `dolphin`: the test runner alone. `dolphin PATH` means `dolphin test PATH`, which is `octo test PATH`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import BinaryIO

import click

from octo.cli import Command, _without_pydantic_plugins
from octo.cli.test import command as test
from octo.cli.version import command as version


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def dolphin() -> None:
    """Dolphin tests the flows of Octo. Cases are written in YAML beside the flows; no server is needed."""


@click.command("schema")
@click.option("--format", "form", type=click.Choice(["json", "yaml"]), default="json", show_default=True)
@click.option("--out", type=click.File("wb"), default="-", help="File to write; default standard output.")
def schema(form: str, out: BinaryIO) -> None:
    """Print the JSON Schema of test files, with which an editor completes and checks them."""
    from octo.cli.components import components
    from octo.suite.schema import json_schema

    found = json_schema(components())
    if form == "yaml":
        import yaml

        out.write(yaml.safe_dump(found, sort_keys=False, allow_unicode=True).encode())
        return
    import orjson

    out.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")


for each in (test, schema, version):
    dolphin.add_command(each)


def meant(arguments: list[str]) -> list[str]:
    """The arguments with their verb. Without a verb they mean `test`."""
    first = arguments[0] if arguments else ""
    if first in ("--version", "-version", "-V"):
        return ["version", *arguments[1:]]
    if first == "help" and not Path(first).exists():
        return [*arguments[1:2], "--help"]
    verbs = (*dolphin.commands, "-h", "--help")
    return arguments if first in verbs else ["test", *arguments]


def main() -> None:
    """Entry point of the command."""
    gc.disable()
    _without_pydantic_plugins()
    dolphin.main(args=meant(sys.argv[1:]), prog_name="dolphin")
