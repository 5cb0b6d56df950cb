"""`octo new`: a first flow to start from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from octo.cli import exits
from octo.cli.terminal import say

HTTP = """\
# A first flow. Run it:    octo run --config {file} --watch
# Call it over HTTP:       curl localhost:8080/hello/Ada
# Call it without HTTP:    octo invoke --config {file} --flow hello --vars '{{"name": "Ada"}}'
service:
  name: {name}

env:
  - name: HTTP_PORT # change it in .env or in the environment
    default: "8080"

connectors:
  - name: web
    type: http
    settings:
      port: ${{HTTP_PORT}}

flows:
  - name: hello
    source:
      connector: web
      type: http
      settings:
        path: /hello/{{name}}
        methods: [GET]
    process:
      - type: set-payload
        settings:
          # CEL. Path parameters are variables.
          value: '{{"greeting": "hello, " + vars.name + "!"}}'
"""

CRON = """\
# A first flow. Run it:    octo run --config {file} --watch
# Call it once:            octo invoke --config {file} --flow tick
service:
  name: {name}

flows:
  - name: tick
    source:
      type: cron
      settings:
        schedule: "@every 10s"
        payload: '{{"at": string(now)}}'
    process:
      - type: log
        settings:
          message: '"tick at " + (has(body.at) ? body.at : string(now))'
"""

CALL = """\
# A first flow. Call it:   octo invoke --config {file} --flow greet --data '{{"name": "Ada"}}'
service:
  name: {name}

flows:
  - name: greet
    process:
      - type: set-payload
        settings:
          value: '{{"greeting": "hello, " + body.name + "!"}}'
"""

TEMPLATES = {"http": HTTP, "cron": CRON, "call": CALL}


@click.command("new")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--template", type=click.Choice(list(TEMPLATES)), default="http", show_default=True)
def command(folder: Path, template: str) -> None:
    """Create FOLDER with a first flow, an .env file, and the schema with which editors complete flow files.

    Existing files are not overwritten.
    """
    flow = folder / "flow.yaml"
    if flow.exists():
        say(f"{flow} already exists", err=True)
        sys.exit(exits.USAGE)
    try:
        for path, text in _files(folder, flow, template).items():
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                say(f"wrote {path}")
    except OSError as error:
        say(f"cannot write {error.filename}: {error.strerror}", err=True)
        sys.exit(exits.FAILED)
    say(f"\nNext: octo run --config {flow} --watch")


def _files(folder: Path, flow: Path, template: str) -> dict[Path, str]:
    from octo.cli.components import components
    from octo.config.schema import json_schema

    editor = {"yaml.schemas": {"./octo.schema.json": ["*.yaml"]}}
    return {
        flow: TEMPLATES[template].format(name=folder.resolve().name, file=flow),
        folder
        / ".env": "# NAME=value, one per line. Read from beside the flow file. Keep it out of version control.\n",
        folder / ".gitignore": ".env\n",
        folder / "octo.schema.json": json.dumps(json_schema(components()), indent=2) + "\n",
        folder / ".vscode" / "settings.json": json.dumps(editor, indent=2) + "\n",
    }
