"""Run verbs inside the test process."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from octo.cli import meant, octo


@pytest.fixture
def cli():
    """Run `octo ...`. Return click's result with exit_code, stdout and stderr."""

    def run(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(octo, meant(list(arguments)), input=input, prog_name="octo")

    return run
