"""`octo schema`: what editors and tools need to know about the flow language."""

from __future__ import annotations

from typing import BinaryIO

import click
import orjson

from octo.cli.components import components


@click.command("schema")
@click.option(
    "--kind",
    type=click.Choice(["json-schema", "tests", "catalogue"]),
    default="json-schema",
    show_default=True,
    help="The JSON Schema of flow files or of test files, or the catalogue of connectors and blocks.",
)
@click.option("--out", type=click.File("wb"), default="-", help="File to write; default standard output.")
def command(kind: str, out: BinaryIO) -> None:
    """Print the JSON Schema of flow files or test files, or the catalogue of connectors and blocks.

    With the schemas, an editor completes and checks the files while you write; `octo new` writes both.
    """
    out.write(orjson.dumps(_value(kind), option=orjson.OPT_INDENT_2) + b"\n")


def _value(kind: str) -> object:
    if kind == "json-schema":
        from octo.config.schema import json_schema

        return json_schema(components())
    if kind == "tests":
        from octo.suite.schema import json_schema as test_schema

        return test_schema(components())
    return components()
