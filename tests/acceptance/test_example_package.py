"""A package outside Octo's tree adds components only by its entry points."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "samples" / "example-package"

LOOK = """
import json
from octo.builtin import plugins
known = plugins()
print(json.dumps({
    "connectors": "counter" in known.connector_names(),
    "blocks": [name for name in known.block_names() if name in ("counter-next", "shout")],
    "first": known.connector("counter").settings.model_fields["first"].default,
    "owner": known.block("counter-next").connector,
    "free": known.block("shout").connector,
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment of a process in which the package is installed, made without a network."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*command, "--target", target, PACKAGE], check=True, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(target)}


def run(environment, *arguments):
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_declared_components_are_found(installed):
    """What `pyproject.toml` declares resolves to a connector, its block and a free block."""
    assert json.loads(run(installed, sys.executable, "-c", LOOK)) == {
        "connectors": True,
        "blocks": ["counter-next", "shout"],
        "first": 1,
        "owner": "counter",
        "free": None,
    }


def test_without_the_package_nothing_of_it_is_known():
    """The components come from the installation, not from the tree."""
    look = "from octo.builtin import plugins; print('counter' in plugins().connector_names())"
    assert run(dict(os.environ), sys.executable, "-c", look).strip() == "False"


def test_its_flow_runs(installed):
    """The sample in the README prints what the README says."""
    octo = str(Path(sys.executable).with_name("octo"))
    flow = ("invoke", "--config", str(PACKAGE / "flow.yaml"), "--flow", "greet", "--data", '{"name": "ada"}')
    assert run(installed, octo, *flow).strip() == '"GUEST 100: ADA!!"'


def test_its_codes_are_explained(installed):
    """What the package says of its own errors is found like what Octo says."""
    octo = str(Path(sys.executable).with_name("octo"))
    assert run(installed, octo, "explain", "EXAMPLE-101").startswith("EXAMPLE-101: A counter has reached its end")


def test_its_tests_pass(installed, tmp_path):
    """The tests that it ships run where it is installed."""
    tests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(PACKAGE / "tests"))
    assert "2 passed" in run(installed, *tests, "--rootdir", str(PACKAGE), "--basetemp", str(tmp_path / "base"))


def test_only_doors_are_used():
    """What else there is may change without notice."""
    lines = [line for path in PACKAGE.rglob("*.py") for line in path.read_text().splitlines()]
    imports = [line for line in lines if re.match(r"\s*(from|import) octo\b", line)]

    assert imports
    assert [line for line in imports if not re.match(r"from octo(\.testing)? import", line)] == []
