"""Verbs of installed packages: found by their entry points, listed without importing them, and said if unusable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
POINTS = "[console_scripts]\nx = y:z\n\n[octo.commands]\nshop = {list}\n\n[other]\na = b:c\n"
LIST = """
from octo.cli.further import Verb, Verbs
verbs = Verbs("pip install shop", {
    "sell": Verb("Sell something.", "shop_verbs.sell:command"),
    "buy": Verb("Buy something.", "shop_verbs.buy:command"),
    "run": Verb("Take the place of Octo's own.", "shop_verbs.sell:command"),
    "hidden": Verb("", "shop_verbs.sell:command"),
})
"""
SELL = """
import click
print("imported")
@click.command("sell")
@click.option("--price")
def command(price): click.echo(f"sold for {price}")
"""


@pytest.fixture
def package(tmp_path):
    """A folder of installed packages with one that brings verbs."""
    place = tmp_path / "site"
    code = place / "shop_verbs"
    code.mkdir(parents=True)
    (code / "__init__.py").write_text(LIST)
    (code / "sell.py").write_text(SELL)
    (code / "buy.py").write_text("import a_library_that_is_missing\n")
    points = place / "shop-1.dist-info" / "entry_points.txt"
    points.parent.mkdir()
    points.write_text(POINTS.format(list="shop_verbs:verbs"))
    return place


@pytest.fixture
def typed(package, tmp_path):
    """Run `octo` with that package."""

    def run(*arguments: str, code: str = "from octo.cli import main; main()") -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(ROOT), str(package)])
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
        )

    return run


def test_the_help_lists_them_without_importing_them(typed):
    told = typed("--help")

    assert told.returncode == 0
    assert "Sell something." in told.stdout
    assert "Buy something." in told.stdout
    assert "imported" not in told.stdout
    assert "hidden" not in told.stdout


def test_one_is_carried_out(typed):
    told = typed("sell", "-price", "7")

    assert (told.returncode, told.stdout) == (0, "imported\nsold for 7\n")


def test_one_wins_over_a_path_of_its_name(typed, tmp_path):
    (tmp_path / "sell").mkdir()

    assert typed("sell", "--price", "7").stdout.endswith("sold for 7\n")


def test_a_name_of_octo_itself_stays_octos(typed):
    told = typed("run", "--help")

    assert "Run the flows" in told.stdout
    assert "imported" not in told.stdout


def test_a_library_that_is_missing_is_one_line(typed):
    told = typed("buy")

    line = "Error: octo buy needs a_library_that_is_missing, which is not installed: pip install shop\n"
    assert (told.returncode, told.stderr) == (2, line)


def test_a_mistyped_one_is_guessed(typed):
    told = typed("sel")

    assert told.returncode == 2
    assert "Did you mean 'sell'?" in told.stderr


@pytest.mark.parametrize("broken", ["not_there:verbs", "shop_verbs:nothing", "shop_verbs", "os:path", ""])
def test_a_broken_package_keeps_nothing_from_working(typed, package, broken):
    (package / "shop-1.dist-info" / "entry_points.txt").write_text(POINTS.format(list=broken))

    told = typed("--help")

    assert told.returncode == 0
    assert "Sell something." not in told.stdout


def test_the_help_imports_nothing_else_for_it(typed, package):
    """What `octo --help` imports beside what it did without the package: the list, and the module that reads it."""
    code = "import sys; from octo.cli import octo; octo(['--help'], standalone_mode=False); print(*sorted(sys.modules))"
    those = {name for name in typed(code=code).stdout.splitlines()[-1].split() if not name.startswith("a__")}
    (package / "shop-1.dist-info" / "entry_points.txt").unlink()
    without = set(typed(code=code).stdout.splitlines()[-1].split())

    assert those - without == {"shop_verbs"}
    assert "importlib.metadata" not in those
