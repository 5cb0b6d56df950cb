"""What a text tells somebody to install is ours: the name `octo` on the package index belongs to somebody else."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import octo
from octo.cli.requirements import DISTRIBUTION

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = set(PROJECT["optional-dependencies"])

TEXTS = [
    path
    for pattern in ("*.md", "docs/**/*.md", "octo/**/*.py", "octo/**/*.json", "samples/**/*.*", "deploy/**/*.*")
    for path in sorted(ROOT.glob(pattern))
    if path.suffix in (".md", ".py", ".toml", ".yaml", ".json")
]

INSTALL = re.compile(
    r"(?:\bpip3? install|\buv add|\buv tool install|\bpipx install|\bpipx run|\buvx(?: --from)?|\buv run --with)"
    r" +['\"]?(?P<package>[^\s'\"`\[]+)(?:\[(?P<extras>[\w,{}-]+)\])?"
)
HERE = re.compile(r"-e|--?[a-z]|\.|dist/|/")
"""What is installed from a folder, or an option."""


def installed() -> list[tuple[str, str, set[str]]]:
    """Each package that a text says to install: the file, the package, its extras."""
    return [
        (
            str(path.relative_to(ROOT)),
            found["package"].replace("{DISTRIBUTION}", DISTRIBUTION),
            set((found["extras"] or "").split(",")) - {"", "{extra}"},
        )
        for path in TEXTS
        for found in INSTALL.finditer(path.read_text())
        if not HERE.match(found["package"])
    ]


def test_every_hint_names_our_package():
    """`pip install octo` would install something else, with the rights of whoever follows the hint."""
    assert installed()
    assert [each for each in installed() if each[1] != PROJECT["name"]] == []


def test_every_hint_names_an_extra_that_exists():
    assert [each for each in installed() if not each[2] <= EXTRAS] == []


def test_no_dependency_is_on_the_other_package():
    """Also where no command stands: in a list of dependencies, or as `octo[extra]`."""
    foreign = re.compile(r"(?<![\w-])octo\[(?:" + "|".join(EXTRAS) + r")\b|dependencies = \[[^]]*['\"]octo['\">=<~\[]")

    assert [str(path) for path in [*TEXTS, ROOT / "pyproject.toml"] if foreign.search(path.read_text())] == []


def test_the_installed_package_has_the_version_that_octo_prints():
    assert metadata.version(PROJECT["name"]) == PROJECT["version"] == octo.__version__
