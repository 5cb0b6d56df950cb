"""What the tests of `deploy/` share: real Helm, and what it makes of the chart."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "chart" / "octo-platform"

LEAST = {
    "publicUrl": "https://octo.example.com",
    "image": {"repository": "registry.example.com/octo-platform"},
    "runtime": {"image": {"repository": "registry.example.com/octo-runtime"}},
    "environments": {"namespaces": ["octo-staging", "octo-production"]},
}
"""Values without which nothing is rendered."""


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """As Helm merges several files of values."""
    both = dict(values)
    for name, value in more.items():
        old = both.get(name)
        both[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


@pytest.fixture(scope="session")
def helm() -> Path:
    """The program that `scripts/cluster.sh build` makes, or one that is installed."""
    script = [str(ROOT / "scripts" / "cluster.sh"), "path"]
    built = subprocess.run(script, capture_output=True, text=True, check=True).stdout.strip()
    found = shutil.which("helm", path=f"{built}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip("NOT TESTED: there is no helm; scripts/cluster.sh build makes one")
    return Path(found)


@pytest.fixture(scope="session")
def run(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Helm with the values that nothing is rendered without, and others over them."""
    folder = tmp_path_factory.mktemp("helm")

    def run(
        verb: str, values: dict[str, Any] | None = None, *flags: str, least: dict[str, Any] = LEAST, name: str = "octo"
    ) -> subprocess.CompletedProcess[str]:
        file = folder / "values.json"
        file.write_text(json.dumps(merged(least, values or {})))
        names = [name] if verb == "template" else []
        command = [str(helm), verb, *names, str(CHART), "--namespace", "octo", "--values", str(file), *flags]
        home = {f"HELM_{each}_HOME": str(folder / each) for each in ("CACHE", "CONFIG", "DATA")}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | home)

    return run


@pytest.fixture(scope="session")
def render(run) -> Callable[..., list[dict[str, Any]]]:
    """Renders the chart → its objects. The same values are rendered once, unless they shall be `fresh`."""
    known: dict[str, list[dict[str, Any]]] = {}

    def render(
        values: dict[str, Any] | None = None, *, name: str = "octo", fresh: bool = False
    ) -> list[dict[str, Any]]:
        key = json.dumps([name, values or {}])
        if fresh or key not in known:
            done = run("template", values, name=name)
            assert done.returncode == 0, done.stderr
            known[key] = [each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each]
        return known[key]

    return render


def only(objects: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    """The one object of a kind."""
    found = [each for each in objects if each["kind"] == kind and name in (None, each["metadata"]["name"])]
    assert len(found) == 1, [each["metadata"]["name"] for each in found]
    return found[0]


def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Labels and spec of every pod, as `metadata` and `spec`."""
    templates = [each["spec"]["template"] for each in objects if each["kind"] in ("Deployment", "StatefulSet")]
    return [*templates, *(each for each in objects if each["kind"] == "Pod")]
