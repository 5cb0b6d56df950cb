"""What the guide tells its readers to write is what the chart takes."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.platform.packaging.conftest import ROOT
from tests.platform.packaging.test_values import SCHEMA

GUIDE = (ROOT / "docs" / "kubernetes.md").read_text()
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)]


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda values: values["publicUrl"])
def test_values_render(run, values):
    """Alone, without anything that the reader would have to know besides."""
    done = run("template", values, least={})

    assert done.returncode == 0, done.stderr


def test_values_that_are_named_exist():
    """Those with a dot in them, such as `environments.namespaces`."""
    names = set(re.findall(r"`([a-z]\w*(?:\.[a-zA-Z]+)+)`", GUIDE)) - {"values.yaml"}

    assert "environments.namespaces" in names
    for name in names:
        schema = SCHEMA
        for part in name.split("."):
            assert part in schema["properties"], name
            schema = schema["properties"][part]


def test_files_that_are_named_exist():
    """As from the root of a checkout."""
    for path in re.findall(r"deploy/[\w./-]*\w", GUIDE):
        assert (ROOT / path).exists(), path
