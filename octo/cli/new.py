"""`octo new`: a first flow to start from."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import click

from octo.cli import exits
from octo.cli.help import Verb
from octo.cli.templates import ENV, IGNORED, TEMPLATES, Template
from octo.cli.terminal import say
from octo.config.files import SUFFIXES, is_test, yaml_files

_FLOW = "flow.yaml"
_PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][\w-]*", re.ASCII | re.IGNORECASE)
"""A name that YAML reads as a text without quotes."""

_LISTED = "\n".join(f"  {name:<5} {each.about}" for name, each in TEMPLATES.items())


@click.command(
    "new",
    cls=Verb,
    epilog=f"""\b
Templates:
{_LISTED}

\b
Examples:
  octo new shop
  octo new ticks --template cron
  octo new .""",
)
@click.argument("name", required=False, metavar="FOLDER")
@click.option("--template", type=click.Choice(list(TEMPLATES)), default="http", show_default=True)
def command(name: str | None, template: str) -> None:
    """Create FOLDER with a first flow, its tests, an .env file, and what editors need to complete and check both.

    `.` means the folder one stands in. Existing files are not overwritten.
    """
    if not name or not name.strip():  # a variable of the shell may be empty
        raise click.UsageError("name the folder: octo new shop, or `octo new .` for this one")
    folder = Path(name)
    if folder.suffix.lower() in SUFFIXES:
        raise click.UsageError(f"octo new makes a folder: octo new {shlex.quote(str(folder.with_suffix('')))}")
    flow = folder / _FLOW
    if flow.exists():
        _refuse(f"{flow} is there already; nothing was written. Try: {_typed('octo run', folder)}", exits.USAGE)
    if folder.exists() and not folder.is_dir():
        _refuse(f"{folder} is a file; name a folder", exits.USAGE)
    try:
        is_alone = not folder.is_dir() or all(is_test(each) for each in yaml_files(folder))
        _write(_files(folder, TEMPLATES[template], "" if is_alone else f" {_FLOW}"))
    except OSError as error:
        _refuse(f"cannot write {error.filename}: {error.strerror}", exits.FAILED)
    say("\nNext:\n")
    for each in TEMPLATES[template].tries:
        say(f"  {_next(each, folder if is_alone else flow)}")


def _refuse(text: str, code: int) -> NoReturn:
    say(text, err=True)
    sys.exit(code)


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        if path.exists():
            say(f"kept {path}{_missing(path)}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600 if path.name == ".env" else 0o666)  # it will hold secrets
        path.write_text(text, encoding="utf-8")
        say(f"wrote {path}")


def _missing(path: Path) -> str:
    """What a `.gitignore` that was there should have too."""
    if path.name != ".gitignore":
        return ""
    has = {line.strip().strip("/") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()}
    missing = [each for each in IGNORED[:3] if each.strip("/") not in has]
    return f"; add to it: {' '.join(missing)}" if missing else ""


def _next(command: str, path: Path) -> str:
    port = os.environ.get("HTTP_PORT") or "8080"
    line = command.replace("@PATH@", _argument(path)).replace("@PORT@", port)
    return f"{_again()}{line.removeprefix('octo')}" if line.startswith("octo ") else line


def _again() -> str:
    """How to call this program once more: it may not be on the PATH, or only for as long as `uvx` runs it."""
    if any(part.startswith("archive-v") for part in Path(sys.prefix).parts):  # where uv keeps what it runs once
        return "uvx --from octo-flows octo"
    return "octo" if shutil.which("octo") else f"{shlex.quote(sys.executable)} -m octo"


def _typed(command: str, path: Path) -> str:
    return f"{command}{_argument(path)}"


def _argument(path: Path) -> str:
    return "" if path == Path() else f" {shlex.quote(str(path))}"


def _files(folder: Path, template: Template, file: str) -> dict[Path, str]:
    """file: what the commands in the comments have to name, because the folder has other YAML files; or ""."""
    from octo.cli.components import components
    from octo.config.schema import json_schema
    from octo.suite.schema import json_schema as test_schema

    known = components()
    flow = template.flow.replace("@FILE@", file).replace("@NAME@", _quoted(folder.resolve().name or "flows"))
    settings = {
        "yaml.schemas": {
            "./octo.schema.json": ["*.yaml", "!*_test.yaml"],
            "./octo_test.schema.json": ["*_test.yaml"],
        }
    }
    return {
        folder / _FLOW: flow,
        folder / "flow_test.yaml": template.tests,
        folder / ".env": f"{ENV}{template.env}",
        folder / ".gitignore": _lines(IGNORED),
        folder / "octo.schema.json": _json(json_schema(known)),
        folder / "octo_test.schema.json": _json(test_schema(known)),
        folder / ".vscode" / "settings.json": _json(settings),
        folder / ".vscode" / "extensions.json": _json({"recommendations": ["redhat.vscode-yaml"]}),
    }


def _quoted(name: str) -> str:
    """A name as YAML and Octo read it as this text."""
    return name if _PLAIN.fullmatch(name) else json.dumps(name.replace("${", "$${"))


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _lines(each: Iterable[str]) -> str:
    return "\n".join(each) + "\n"
