"""Questions of the editor to the engine, each in a fork of this process, in a copy of the project (`shadow.py`).

What pages see is what their author may see: only values that are declared as secret are masked.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from octo.cli.authoring.fixes import with_fix
from octo.cli.authoring.work import answered, serve
from octo.core import codec
from octo.trace.mask import secrets

Answer = dict[str, object]


def check(path: str, *, tests: bool) -> Answer:
    """What `octo check --outline` says of a configuration, and with `tests` what is wrong with its test files."""
    from octo.builtin import plugins
    from octo.cli.project import import_beside
    from octo.config.outline import outline

    place = Path(path)
    import_beside(place)
    found = outline(place, plugins(), os.environ).as_json()
    problems: list[Any] = [*found["problems"]]  # type: ignore[misc]
    if tests:
        problems += _of_tests(place, problems)
    return {**found, "ok": not problems, "problems": [with_fix(each) for each in problems]}


def _of_tests(place: Path, known: list[Any]) -> list[Any]:
    from octo.cli.suites import configurations
    from octo.config.files import is_test, yaml_files
    from octo.core.errors import ConfigError
    from octo.suite import plan

    if place.is_dir():
        paths = [each for each in yaml_files(place) if is_test(each)]
    else:
        paths = [place.with_name(f"{place.stem}_test{place.suffix}")]
    found: list[Any] = []
    for each in paths:
        if each.is_file():
            try:
                plan([each], configurations())
            except ConfigError as error:
                told = (problem.as_json() for problem in error.problems)
                found += [problem for problem in told if problem not in known]
    return found


def together(path: str) -> Answer:
    """Whether the flow files of a folder can be one configuration."""
    from octo.builtin import plugins
    from octo.cli.named import told
    from octo.config.outline import outline
    from octo.core.errors import ConfigError

    found = outline(Path(path), plugins(), os.environ)
    return {"together": not told(ConfigError(found.problems), [Path(path)], "check")}


VERBS: Mapping[str, Callable[..., Answer]] = {"check": check, "together": together}

_PARTS = (
    *("octo.cli.project", "octo.cli.named", "octo.config.outline", "octo.cli.suites", "octo.suite", "octo.cli.why"),
    *("octo.engine.invoke", "octo.debug", "octo.trace.values", "octo.core.json_schema", "octo.expr.reasons"),
)
_USUAL = """
connectors: [{name: web, type: http, settings: {port: 1}}]
flows:
  - name: a
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: set-payload, value: body}, {type: log}, {type: set-variable, settings: {name: a, value: body.b}}]
"""


def main() -> None:
    """Answer questions, with all components of Octo at hand: to import them takes longer than to check a project."""
    from octo.builtin import BLOCKS, CONNECTORS, plugins
    from octo.config.load import parse

    for name in _PARTS:
        importlib.import_module(name)
    for target in (*CONNECTORS.values(), *BLOCKS.values()):
        with suppress(ImportError):  # of a package that is not installed
            importlib.import_module(target.partition(":")[0])
    parse(_USUAL, plugins(), {})
    serve(_said)


def _said(question: Mapping[str, Any]) -> bytes:
    return codec.write(secrets(answered(VERBS, question["verb"], question["given"])))


if __name__ == "__main__":
    main()
