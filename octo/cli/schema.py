"""`octo schema`: what editors and tools need to know about the flow language."""

from __future__ import annotations

from typing import BinaryIO

import click
import orjson

from octo.cli.components import components


@click.command("schema")
@click.option(
    "--kind",
    type=click.Choice(["json-schema", "catalogue"]),
    default="json-schema",
    show_default=True,
    help="The JSON Schema of flow files, or the catalogue of connectors and blocks.",
)
@click.option("--out", type=click.File("wb"), default="-", help="File to write; default standard output.")
def command(kind: str, out: BinaryIO) -> None:
    """Print the JSON Schema of flow files, or the catalogue of connectors and blocks.

    With the schema, an editor completes and checks flow files while you write; docs/vscode.md shows how.
    """
    from octo.config.schema import json_schema

    value = json_schema(components()) if kind == "json-schema" else components()
    out.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
