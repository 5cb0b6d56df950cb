"""Plant single faults in the code, one at a time, and report which of them the tests notice.

    .venv/bin/python scripts/mutate.py octo/engine octo/core --count 150 --seed 1
    .venv/bin/python scripts/mutate.py octo/core/backoff.py --all

Run it by hand, not in CI: every fault costs a run of tests. The tests of the file run first (`tests/` mirrors `octo/`),
then, while all pass, those of its folder, then those in `WIDER` (not with `--near`). `scripts/mutate_equivalent.txt`
lists faults that no test can notice, with the reason. At the end, also when it is interrupted, it prints the share of
faults that the tests caught, and the faults that they missed.

It exists because mutmut and cosmic-ray run one test command for all faults, and do not know which tests belong to a
file; here that would take days. See docs/decisions/0025-planted-faults.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
EQUIVALENT = ROOT / "scripts" / "mutate_equivalent.txt"
WIDER = ("core", "engine", "services", "blocks", "debug", "testing", "trace", "operations", "suite", "connectors/http")
"""Folders of tests that run if the tests of the file have not noticed the fault."""

LONGEST = 400.0
"""Seconds after which a run counts as hanging. A run of one file or folder has a quarter of them."""


class Fault(NamedTuple):
    """A piece of source, and the text that replaces it."""

    path: Path
    line: int
    start: int
    end: int
    becomes: str
    name: str
    """The file and the whole lines before and after: so the name stays the same when the file is edited elsewhere."""

    def planted(self, source: bytes) -> bytes:
        return source[: self.start] + self.becomes.encode() + source[self.end :]


def _one_line(text: str) -> str:
    return " ".join(text.split())


# --- what can be wrong -----------------------------------------------------------------------------------------------

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}


def faults_of(path: Path) -> Iterator[Fault]:
    """Every fault that can be planted in a file."""
    source = path.read_bytes()
    starts = [0]
    for row in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(row))
    for node, changed in _planned(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        text = changed if isinstance(changed, str) else ast.unparse(changed)
        yield Fault(path, node.lineno, start, end, text, _name(path, source, start, end, text))


def _name(path: Path, source: bytes, start: int, end: int, becomes: str) -> str:
    before = source[source.rfind(b"\n", 0, start) + 1 : start].decode()
    after = source[end : source.find(b"\n", end)].decode()
    was, becomes = (_one_line(before + text + after) for text in (source[start:end].decode(), becomes))
    return f"{path.relative_to(ROOT)}: {was} -> {becomes}"


def _planned(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.AST | str]]:
    """Nodes, each with what replaces it."""
    for node in _interesting(tree):
        yield from ((node, changed) for changed in _changes(node))
        test = node.test if isinstance(node, ast.If | ast.While | ast.IfExp) else None
        if isinstance(test, ast.Name | ast.Attribute | ast.Call):
            yield test, f"not {ast.unparse(test)}"


def _interesting(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Nodes in which a fault matters: no annotations, no texts for people, no logging, no imports for type checkers.

    Numbers that a module names are left out too, because a size or a pause is a choice; the code that uses them is not.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Assert | ast.AnnAssign) and not isinstance(getattr(child, "value", None), ast.expr):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.JoinedStr) or (isinstance(child, ast.FunctionDef) and child.name == "__repr__"):
            continue
        if isinstance(node, ast.Module) and _is_choice(child):
            continue
        if isinstance(child, ast.keyword) and child.arg == "slots":  # without it, objects only take more memory
            continue
        if isinstance(child, ast.Expr) and (isinstance(child.value, ast.Constant) or _is_log(child.value)):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (each for part in child.body for each in _with_inner(part))
        elif isinstance(child, ast.expr | ast.stmt):
            yield from _with_inner(child)
        else:
            yield from _interesting(child)


def _with_inner(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    if isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or _is_log(node.value)):
        return
    if isinstance(node, ast.Assert):
        return
    if isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from _with_inner(node.value)
        return
    if isinstance(node, ast.expr | ast.stmt) and not isinstance(
        node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    ):
        yield node
    yield from _interesting(node)


def _is_log(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("log.", "_log."))


def _is_choice(node: ast.AST) -> bool:
    """Whether the statement gives a name to numbers, or to a type."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in ("TypeVar", "ParamSpec"):
        return True
    return not any(isinstance(each, ast.Call | ast.Compare | ast.BoolOp) for each in ast.walk(node.value))


def _changes(node: ast.expr | ast.stmt) -> Iterator[ast.AST | str]:
    for kind, faults in KINDS.items():
        if isinstance(node, kind):
            yield from faults(node)


def _compared(node: ast.Compare) -> Iterator[ast.AST | str]:
    if len(node.ops) == 1 and type(node.ops[0]) in SWAPPED:
        yield _with(node, ops=[SWAPPED[type(node.ops[0])]()])


def _joined(node: ast.BoolOp) -> Iterator[ast.AST | str]:
    yield f"({ast.unparse(_with(node, op=SWAPPED[type(node.op)]()))})"


def _computed(node: ast.BinOp) -> Iterator[ast.AST | str]:
    if type(node.op) in SWAPPED and not _is_text(node):
        yield f"({ast.unparse(_with(node, op=SWAPPED[type(node.op)]()))})"


def _negated(node: ast.UnaryOp) -> Iterator[ast.AST | str]:
    if isinstance(node.op, ast.Not):
        yield f"({ast.unparse(node.operand)})"


def _constant(node: ast.Constant) -> Iterator[ast.AST | str]:
    if isinstance(node.value, bool):
        yield str(not node.value)
    elif isinstance(node.value, int | float):
        yield str(node.value + 1)


def _called(node: ast.Call) -> Iterator[ast.AST | str]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in ("min", "max"):
        yield _with(node, func=ast.Name("max" if name == "min" else "min"))
    if name == "fields":  # the fields of a log line
        return
    for index, keyword in enumerate(node.keywords):
        if keyword.arg != "slots":
            yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])


def _assigned(node: ast.Assign) -> Iterator[ast.AST | str]:
    if isinstance(node.targets[0], ast.Attribute | ast.Subscript):
        yield "pass"


def _said(node: ast.Expr) -> Iterator[ast.AST | str]:
    if isinstance(node.value, ast.Call | ast.Await):
        yield "pass"


def _returned(node: ast.Return) -> Iterator[ast.AST | str]:
    if node.value is not None and ast.unparse(node.value) not in ("None", "False"):
        yield "return None"


KINDS: dict[Any, Callable[[Any], Iterator[ast.AST | str]]] = {
    ast.Compare: _compared,
    ast.BoolOp: _joined,
    ast.BinOp: _computed,
    ast.UnaryOp: _negated,
    ast.Constant: _constant,
    ast.IfExp: lambda node: iter([f"({ast.unparse(node.body)})"]),
    ast.Call: _called,
    ast.Assign: _assigned,
    ast.Expr: _said,
    ast.Return: _returned,
    (ast.AugAssign, ast.Raise, ast.Delete): lambda _: iter(["pass"]),
    ast.Break: lambda _: iter(["continue"]),
    ast.Continue: lambda _: iter(["break"]),
}
"""The faults of each kind of node: other nodes, or text, that replace it."""


def _with(node: ast.AST, **values: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in values.items():
        setattr(changed, name, value)
    return changed


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(each, ast.JoinedStr) or (isinstance(each, ast.Constant) and isinstance(each.value, str | bytes))
        for each in (node.left, node.right)
    )


# --- which tests notice ----------------------------------------------------------------------------------------------


class Tree:
    """A copy of the project, in which faults are planted one at a time."""

    def __init__(self, folder: Path, widely: bool) -> None:
        self.root, self.widely = folder, widely
        self._running: subprocess.Popen[bytes] | None = None
        self.is_over = False
        skipped = shutil.ignore_patterns(
            ".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"
        )
        shutil.copytree(ROOT, folder, ignore=skipped)
        (folder / ".venv").symlink_to(ROOT / ".venv")

    def notices(self, fault: Fault) -> str:
        """How the tests end with the fault in place: "caught" if one fails, "hangs", or "MISSED"."""
        place = self.root / fault.path.relative_to(ROOT)
        original = place.read_bytes()
        place.write_bytes(fault.planted(original))
        try:
            said = (self.run(tests) for tests in _tests_for(fault.path, self.widely))
            return next((each for each in said if each != "passed"), "MISSED")
        finally:
            place.write_bytes(original)

    def run(self, tests: list[str]) -> str:
        """How a run of tests ends: "passed", "caught" or "hangs"."""
        if self.is_over:
            return "passed"
        command = [
            str(ROOT / ".venv/bin/python"),
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "-n",
            "0",
            *tests,
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "HYPOTHESIS_PROFILE": "ci",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._running = process = subprocess.Popen(  # noqa: S603  our own tests
            command,
            cwd=self.root,
            env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return "caught" if process.wait(LONGEST if len(tests) > 1 else LONGEST / 4) else "passed"
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            self.stop()
            process.wait()

    def stop(self) -> None:
        """Kill the run, with the processes that a test has left behind."""
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)


def _tests_for(path: Path, widely: bool) -> Iterator[list[str]]:
    """The tests of the file, then those of its folder, then those of other folders."""
    inside = path.relative_to(ROOT / "octo")
    own = ROOT / "tests" / inside.parent / f"test_{inside.name}"
    folder = _folder(path)
    if own.is_file():
        yield [str(own.relative_to(ROOT))]
    yield [folder]
    if widely:
        yield [f"tests/{name}" for name in WIDER if f"tests/{name}" != folder]


def _folder(path: Path) -> str:
    inside = path.relative_to(ROOT / "octo")
    return f"tests/{inside.parts[0]}" if len(inside.parts) > 1 else "tests/architecture"


# --- the run ---------------------------------------------------------------------------------------------------------


def files(paths: Iterable[str]) -> Iterator[Path]:
    for each in map(Path, paths):
        place = (Path.cwd() / each).resolve()
        if place.exists():
            yield from sorted(place.rglob("*.py")) if place.is_dir() else (place,)


def known_equivalent() -> set[str]:
    """The names of faults that make no difference; in the file, a comment after each gives the reason."""
    lines = EQUIVALENT.read_text().splitlines() if EQUIVALENT.is_file() else []
    return {line.partition("  # ")[0].strip() for line in lines if line and not line.startswith("#")}


def chosen(options: argparse.Namespace) -> list[Fault]:
    faults = [fault for path in files(options.paths) for fault in faults_of(path)]
    equivalent = known_equivalent()
    faults = [fault for fault in faults if fault.name not in equivalent and options.only in fault.name]
    if options.all or len(faults) <= options.count:
        return faults
    return sorted(random.Random(options.seed).sample(faults, options.count))  # noqa: S311  a sample, no secret


def run(faults: list[Fault], workers: int, widely: bool, told: Callable[[Fault, str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="octo-faults-") as folder, ThreadPoolExecutor(workers) as pool:
        trees = [Tree(Path(folder, str(number)), widely) for number in range(workers)]
        free: Queue[Tree] = Queue()
        for tree in trees:
            free.put(tree)

        def one(fault: Fault) -> None:
            tree = free.get()
            try:
                said = tree.notices(fault)
                if not tree.is_over:
                    told(fault, said)
            finally:
                free.put(tree)

        try:
            if trees[0].run(sorted({_folder(fault.path) for fault in faults})) != "passed":
                sys.exit("the tests fail without a fault; make them pass first")
            list(pool.map(one, faults))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for tree in trees:
                tree.is_over = True
                tree.stop()
            raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", default=["octo/engine", "octo/core", "octo/services"])
    parser.add_argument("--count", type=int, default=100, help="size of the random sample of faults (default 100)")
    parser.add_argument("--all", action="store_true", help="try every fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only faults whose line in the list contains this text")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--near", action="store_true", help="leave out the tests of other folders")
    parser.add_argument("--list", action="store_true", help="show the faults, run nothing")
    options = parser.parse_args()
    faults = chosen(options)
    if options.list:
        print("\n".join(f"{fault.name}  (line {fault.line})" for fault in faults))
        return 0
    tried: list[Fault] = []
    missed: list[Fault] = []

    def told(fault: Fault, said: str) -> None:
        print(f"{said}  {fault.name}  (line {fault.line})", flush=True)
        tried.append(fault)
        if said == "MISSED":
            missed.append(fault)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside: stop all runs first
    with contextlib.suppress(KeyboardInterrupt):
        run(faults, options.workers, not options.near, told)
    caught = len(tried) - len(missed)
    print(f"\n{caught} of {len(tried)} caught, {100 * caught / max(1, len(tried)):.1f} %; not caught:")
    print("\n".join(f"  {fault.name}  (line {fault.line})" for fault in sorted(missed)))
    return 0 if len(tried) == len(faults) and caught >= 0.95 * len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
