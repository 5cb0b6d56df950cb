"""The suites of tests/suites, one per rule of the test runner. Each prints exactly the text in the file beside it.

`python tests/acceptance/test_suites.py` records what they print now; read the difference before you keep it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from octo.cli import octo

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "tests" / "suites"
NAMES = sorted(path.name.removesuffix("_test.yaml") for path in SUITES.glob("*_test.yaml"))

UNSTEADY = (
    (re.compile(r"\b(\d+ms|\d+\.\d\ds)(?=\)?$)", re.MULTILINE), "0ms"),
    (re.compile(r"/\S*/dolphin-\w+"), "FOLDER"),
)


def steady(output: str) -> str:
    """The output without times and the names of temporary folders."""
    for pattern, instead in UNSTEADY:
        output = pattern.sub(instead, output)
    return output


def run(*arguments: str) -> Result:
    return CliRunner().invoke(octo, arguments, prog_name="octo")


def printed(name: str) -> str:
    """What `octo test` prints for a suite, and its exit code."""
    arguments = ["test", f"{name}_test.yaml", "--config", "shop.yaml"]
    result = run(*arguments)
    return f"$ octo {' '.join(arguments)}\n{steady(result.output)}exit code {result.exit_code}\n"


@pytest.mark.parametrize("name", NAMES)
def test_suite_prints_what_is_recorded(name: str, monkeypatch: pytest.MonkeyPatch):
    """Passing, failing and refused suites do."""
    monkeypatch.chdir(SUITES)

    assert printed(name) == (SUITES / f"{name}.out").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_first_line_of_a_suite_says_how_it_ends(name: str):
    """A reader of a suite knows what to expect without looking at the file beside it."""
    words = {0: ("Passes:",), 1: ("Fails:",), 2: ("Refused:", "Errors:")}
    code = int((SUITES / f"{name}.out").read_text().rsplit(" ", 1)[1])

    assert (SUITES / f"{name}_test.yaml").read_text().startswith(tuple(f"# {word}" for word in words[code]))


def test_every_record_has_its_suite():
    assert sorted(path.stem for path in SUITES.glob("*.out")) == NAMES


def test_samples_pass_without_a_server(tmp_path: Path):
    """`octo test samples` passes in a clean checkout: nothing listens and nothing is written."""
    before = sorted(tmp_path.iterdir())

    done = subprocess.run(
        [sys.executable, "-m", "octo", "test", str(ROOT / "samples")],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert " 0 failed, 0 errored, 0 skipped" in done.stdout
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("sample", sorted(path.stem for path in (ROOT / "samples").glob("*.yaml")))
def test_every_sample_is_tested(sample: str):
    """A sample also shows how its flows are tested."""
    assert sample.endswith("_test") or (ROOT / "samples" / f"{sample}_test.yaml").exists()


# --- docs/testing.md ---------------------------------------------------------------------------------------------


def blocks(language: str, *, until: str = "\0") -> list[str]:
    """The code blocks of the page in this language, up to a heading."""
    page = (ROOT / "docs" / "testing.md").read_text().partition(f"\n{until}\n")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def test_five_minutes_go_as_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A reader who pastes the files and commands of docs/testing.md sees what the page shows."""
    monkeypatch.chdir(tmp_path)
    for text in blocks("yaml", until="## The command"):
        name = re.match(r"# (\w+\.yaml)\n", text)
        assert name is not None
        Path(name[1]).write_text(text)
    failing, passing, stubbed, mistaken = blocks("console", until="## The command")

    def shown(console: str) -> tuple[str, str]:
        command, _, output = console.partition("\n")
        result = run(*command.split()[2:])
        return steady(result.stdout or result.stderr), steady(output)

    printed, expected = shown(failing)
    assert printed == expected
    test = Path("orders_test.yaml")
    test.write_text(test.read_text().replace("c2", "c1"))
    for console in (passing, stubbed):
        printed, expected = shown(console)
        assert printed == expected
    test.write_text(test.read_text().replace("# orders_test.yaml\nflow: orders", "flow: order"))
    printed, expected = shown(mistaken)
    assert printed == expected


def test_the_python_of_the_page_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)

    exec(blocks("python")[0], {})

    assert "samples/hello-invoke_test.yaml::greets by name passed" in capsys.readouterr().out


if __name__ == "__main__":
    import os

    os.chdir(SUITES)
    for each in NAMES:
        Path(f"{each}.out").write_text(printed(each))
