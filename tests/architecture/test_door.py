"""`octo`, `octo.ai` and `octo.vectors` are public for authors of components, `octo.testing` for their tests."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import octo
import octo.ai
import octo.testing
import octo.vectors

ROOT = Path(__file__).parents[2]

INSIDE = {
    "octo.core.cassette.Format": "how clients of Octo are recorded",
    "octo.core.cassette.Plain": "how clients of Octo are recorded",
    "octo.core.cassette.Player": "how clients of Octo are recorded",
    "octo.core.cassette.Replayed": "how clients of Octo are recorded",
    "octo.core.cleaned.covered": "how clients of Octo are recorded",
    "octo.core.held.holding": "only `lock` knows what its callers hold",
    "octo.core.held.holds": "only `lock` knows what its callers hold",
    "octo.core.occurrence.called": "how loops and calls of flows tell `idempotent` which step a block is",
    "octo.core.occurrence.matters": "how loops and calls of flows tell `idempotent` which step a block is",
    "octo.core.occurrence.step": "how loops and calls of flows tell `idempotent` which step a block is",
    "octo.core.occurrence.turn": "how loops and calls of flows tell `idempotent` which step a block is",
    "octo.core.addresses.Resolved": "how HTTP listens alone, or with its siblings",
    "octo.core.addresses.bound": "how HTTP listens alone, or with its siblings",
    "octo.core.addresses.holder": "how HTTP listens alone, or with its siblings",
    "octo.core.block.Tail": "only blocks of the language take the rest of a flow",
    "octo.core.block.driven": "fork makes a function of one of its own generators",
    "octo.core.unrun.folder": "how `octo check --facts` reads an author's modules instead of running them",
    "octo.core.connected.Connected": "how links of Octo to brokers notice their end",
    "octo.core.descriptors.Share": "how listeners of Octo share the file numbers of the process",
    "octo.core.expressions.build_of": "settings that may be an expression, and placeholders",
    "octo.core.expressions.compile_expr": "settings that may be an expression, and placeholders",
    "octo.core.expressions.inside": "how a source of Octo finds a folder beside the configuration",
    "octo.core.expressions.send_as_markup": "how a block of the language makes a page of a text",
    "octo.core.expressions.rendering": "how a block of the language renders a template",
    "octo.core.errors.NoRoom": "the server answers 503 where there is no room for what is sent",
    "octo.core.json_schema.mapped": "how the OpenAPI document takes over schemas of flows",
    "octo.core.errors.system_reason": "how connectors of Octo word that the system refused a connection",
    "octo.core.json_schema.BadSchema": "how validate checks bodies",
    "octo.core.json_schema.Fault": "how validate checks bodies",
    "octo.core.json_schema.Schema": "how validate checks bodies",
    "octo.core.json_schema.nullable": "the schema of a body in an OpenAPI document",
    "octo.core.log.File": "the logger writes the process's own log",
    "octo.core.log.Json": "the logger writes the process's own log",
    "octo.core.log.LEVELS": "the logger writes the process's own log",
    "octo.core.log.Lines": "the logger writes the process's own log",
    "octo.core.log.Text": "the logger writes the process's own log",
    "octo.core.log.lines_checked": "the logger evaluates in tests what it does not write",
    "octo.core.log.requests_told": "whether the server tells of each request, which the command line decides",
    "octo.core.log.stdout_reserved": "the logger writes the process's own log",
    "octo.core.misfit.Misfit": "how stubs of Octo word that no answer fits",
    "octo.core.misfit.advice": "how stubs of Octo word that no answer fits",
    "octo.core.message.new_id": "a correlation id for a request that came without one",
    "octo.core.settings.Short": "`follow: link` of `rest`",
    "octo.core.spool.THRESHOLD": "from which size on HTTP spools",
    "octo.core.powers.Leaving": "how servers of Octo send their callers elsewhere before they stop",
    "octo.core.supervisor.line": "how HTTP listens alone, or with its siblings",
    "octo.core.tokens.ALGORITHMS": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.Fetched": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.Fixed": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.Keys": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.Refused": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.Trust": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.bearer": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.challenge": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.claims": "how jwt-validate and octo mcp check tokens",
    "octo.core.tokens.is_safe": "how jwt-validate and octo mcp check tokens",
    "octo.core.tls.reason": "how connectors of Octo word what ended or refused a connection",
    "octo.core.threads.Threads": "how Kafka asks its client what blocks",
    "octo.core.trace.HEADER": "a word of the standard",
    "octo.core.trace.STATE": "a word of the standard",
    "octo.expr.Scope": "the placeholders in the path of a request",
    "octo.expr.json.dumps": "how the stub of a database shows a query's arguments",
    "octo.expr.render": "how the logger writes a value",
    "octo.expr.settle": "how blocks of the language make a body of what an expression resulted in",
    "octo.expr.values.digits": "how the stub of a database shows a number",
    "octo.expr.values.Duration": "a duration as a value; the door's `Duration` is that of settings",
}
"""Names that built-in components use and other packages must not rely on, each with the reason."""


DOORS = (octo, octo.ai, octo.vectors, octo.testing)
NAMES = [(door, name) for door in DOORS for name in sorted(set(door.__all__) - {"__version__"})]


@pytest.mark.parametrize(("door", "name"), NAMES, ids=lambda each: getattr(each, "__name__", each))
def test_every_name_is_behind_its_door(door: ModuleType, name: str):
    """Every name of a door can be imported, and is the object itself, not a copy."""
    found = getattr(door, name)

    assert found is getattr(importlib.import_module(door._HOME[name]), name)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_type_checkers_see_the_same(door: ModuleType):
    """The names that are imported on first use are exactly those that mypy and pyright see."""
    tree = ast.parse(Path(door.__file__).read_text())
    told = {
        alias.asname: each.module
        for block in tree.body
        if isinstance(block, ast.If)
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }

    assert told == door._HOME


def used(path: Path) -> Iterator[str]:
    """The names of `octo.core` and `octo.expr` that a module uses, as `module.name`."""
    tree = ast.parse(path.read_text())
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("octo", "octo.core"):
            modules |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("octo.core.", "octo.expr")):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            module = modules[node.value.id]
            if hasattr(importlib.import_module(module), node.attr):  # else it is a variable of the same name
                yield f"{module}.{node.attr}"


BUILT_IN = [path for home in ("blocks", "connectors") for path in sorted((ROOT / "octo" / home).rglob("*.py"))]


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda path: str(path.relative_to(ROOT / "octo")))
def test_the_door_has_what_built_in_components_use(path: Path):
    """Connectors of other packages can do all that the built-in ones do."""
    missing = {name for name in used(path) if name not in INSIDE and not is_at_the_door(name)}

    assert missing == set()


def is_at_the_door(name: str) -> bool:
    """Whether `octo` exports the name, or its module."""
    module, _, last = name.rpartition(".")
    if octo._HOME.get(module.rpartition(".")[2]) == "octo.core":
        return True
    return last in octo._HOME and getattr(octo, last) is getattr(importlib.import_module(module), last)


def test_reasons_are_still_needed():
    """The list of exceptions has no entry that is no longer needed."""
    assert INSIDE.keys() - {name for path in BUILT_IN for name in used(path)} == set()


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_unknown_names_are_refused(door: ModuleType):
    """An unknown name raises the same error as in any module."""
    with pytest.raises(AttributeError, match=f"module '{door.__name__}' has no attribute 'Conector'"):
        door.Conector  # noqa: B018  the attempt is the test


@pytest.mark.parametrize("door", ["octo.cli", "octo.ai", "octo.vectors", "octo.testing"])
def test_the_doors_cost_nothing(door: str):
    """`octo version`, shell completion and tests load neither the engine nor the libraries of components."""
    heavy = "pydantic", "octo.engine", "httptools", "aiohttp", "asyncpg", "sqlalchemy"
    code = f"import sys, {door}; print([name for name in {heavy!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
