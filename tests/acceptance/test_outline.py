"""Every address that a run names is in the outline, so that a tool finds its place in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from octo.cli import octo

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples").glob("*_test.yaml"))
SUITES = ROOT / "tests" / "suites"
OTHER_NAMES = SUITES / "21-addresses_test.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(octo, [str(each) for each in arguments], prog_name="octo")


def outlined(path: Path) -> set[str]:
    (found,) = json.loads(run("check", "--outline", path).stdout)["configurations"]
    return {each["address"] for each in found["entries"] if each["address"]}


def under(value: object, *keys: str) -> Iterator[str]:
    """Every text that is the value of one of the keys, at any depth."""
    if isinstance(value, dict):
        yield from (each for key, each in value.items() if key in keys and isinstance(each, str))
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from under(each, *keys)


def named(folder: Path, *suites: str | Path) -> dict[str, set[str]]:
    """The addresses in traces, reports and coverage when the suites run."""
    report, cover = folder / "report.json", folder / "cover.json"
    run("test", *suites, "--traces-dir", folder, "--report-json", report, "--cover-json", cover)
    records = [json.loads(line) for file in folder.glob("*/*.jsonl") for line in file.read_text().splitlines()]
    records = [each for each in records if "path" in each]
    failures = [each["error"] for each in records if "error" in each]
    return {
        "traces": {each["path"] for each in records},
        "failures": set(under(failures, "path")),
        "spies": set(under(json.loads(report.read_text()), "address")),
        "coverage": set(under(json.loads(cover.read_text()), "address", "flow")),
    }


@pytest.mark.parametrize("suite", SAMPLES, ids=lambda path: path.stem)
def test_of_the_samples(suite: Path, tmp_path: Path):
    config = suite.with_name(suite.name.replace("_test", ""))
    known = outlined(config)

    found = named(tmp_path, suite)

    assert found["traces"]
    assert found["coverage"]
    assert {kind: names - known for kind, names in found.items()} == {key: set() for key in found}


def test_of_the_suites_of_the_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A spy may name its block by another form of the address; the results then have that form."""
    monkeypatch.chdir(SUITES)
    known = outlined(SUITES / "shop.yaml")
    suites = [path for path in sorted(SUITES.glob("*_test.yaml")) if runs(path) and path != OTHER_NAMES]

    found = named(tmp_path, *suites, "--config", "shop.yaml")

    assert len(suites) > 20
    assert found["failures"]
    assert found["spies"]
    assert {kind: names - known for kind, names in found.items()} == {key: set() for key in found}


def runs(suite: Path) -> bool:
    """Whether the cases of a suite run at all."""
    return not suite.read_text().startswith("# Refused:")
