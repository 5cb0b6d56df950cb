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


FLOW = """
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /}}}}
    process: [{{type: set-payload, value: '"hi"'}}]
"""


@pytest.fixture
def flow(tmp_path, port):
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW.format(port=port))
    return str(path)


@pytest.fixture
def admin_port(free_port):
    """Another free port."""
    return free_port()
