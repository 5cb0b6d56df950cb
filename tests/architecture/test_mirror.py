"""The tests mirror the code, and names say what things are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

WITHOUT_MIRROR = {
    "octo/__init__.py": "the door: tests/architecture/test_door.py",
    "octo/builtin.py": "the list of components: tests/architecture/test_components.py",
    "octo/cli/ending.py": "what verbs that run one flow share: tests/cli/test_invoke.py, test_debugging.py",
    "octo/cli/given.py": "options that verbs share: tests/cli/test_invoke.py, test_eval.py, test_why.py",
    "octo/cli/reasons.py": "what two verbs print: tests/cli/test_why.py, test_eval.py",
    "octo/cli/stored.py": "what verbs that read traces share: tests/cli/test_traces.py, test_replay.py",
    "octo/cli/completion.py": "one line over click's own: tests/cli/test_verbs.py",
    "octo/cli/ports.py": "an option that verbs share: tests/cli/test_top.py, test_trace.py",
    "octo/cli/project.py": "what verbs share: the tests of each verb",
    "octo/cli/suites.py": "a part of one verb: tests/cli/test_test.py",
    "octo/cli/version.py": "one line: tests/cli/test_verbs.py",
    "octo/measure.py": "measured through its verb: tests/cli/test_bench.py",
    "octo/engine/step.py": "what chains are made of: tests/engine/test_chain.py",
    "octo/suite/case.py": "what binding makes: tests/suite/test_bind.py",
    "octo/suite/codes.py": "raised by rules and bindings: tests/suite/test_rules.py",
    "octo/suite/console.py": "one of the reports: tests/suite/test_reports.py",
    "octo/suite/format.py": "read by the rules: tests/suite/test_rules.py",
    "octo/suite/junit.py": "one of the reports: tests/suite/test_reports.py",
    "octo/suite/logs.py": "what a report shows of a case: tests/suite/test_reports.py",
    "octo/suite/outcome.py": "what a run makes: tests/suite/test_run.py",
    "octo/suite/results.py": "one of the reports: tests/suite/test_reports.py",
    "octo/testing/probe.py": "a fixture of others: nearly every test of flows",
}
"""Modules without tests of their own name, each with the reason; packages end with `/`. The list may only shrink."""

FORBIDDEN = ("manager", "helper", "util", "misc", "common")
"""Words in names that say nothing about the content."""


def has_code(path: Path) -> bool:
    """Whether a module does something: has a function with more in it than a docstring or `...`."""
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(not all(isinstance(each, ast.Expr | ast.Pass) for each in function.body) for function in functions)


def mirror_of(path: Path) -> list[Path]:
    """Where the tests of a module may be: in a file of its name, or in a folder if there are many.

    The files of a package inside a package (`connectors/http`, `ai/mcp/client`) are one thing to the outside, and may
    be tested as one.
    """
    place = path.relative_to(ROOT / "octo").with_suffix("")
    units = [place.parent] if path.stem == "__init__" else [place]
    units += [Path(*place.parts[:depth]) for depth in range(2, len(place.parts))]
    return [ROOT / "tests" / unit for unit in units]


def is_tested(places: list[Path]) -> bool:
    return any(place.with_name(f"test_{place.name}.py").is_file() or any(place.glob("test_*.py")) for place in places)


MODULES = {
    str(path.relative_to(ROOT)): mirror_of(path) for path in sorted((ROOT / "octo").rglob("*.py")) if has_code(path)
}


def excepted(module: str) -> bool:
    return any(module == each or (each.endswith("/") and module.startswith(each)) for each in WITHOUT_MIRROR)


@pytest.mark.parametrize("module", [module for module in MODULES if not excepted(module)])
def test_every_module_has_its_tests(module: str):
    """The promises of `octo/x/y.py` are in `tests/x/test_y.py`."""
    assert is_tested(MODULES[module])


def test_exceptions_are_still_needed():
    """The list of exceptions has no module that has tests of its own, or no longer exists."""
    untested = [module for module, places in MODULES.items() if not is_tested(places)]

    assert [each for each in WITHOUT_MIRROR if not any(module.startswith(each) for module in untested)] == []


def test_names_say_what_is_inside():
    """No module is a collection of odds and ends."""
    files = [path for folder in ("octo", "tests", "scripts", "samples") for path in (ROOT / folder).rglob("*.*")]

    assert [path for path in files if any(word in path.stem.lower() for word in FORBIDDEN)] == []
