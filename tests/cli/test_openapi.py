"""`octo openapi` prints the document of a configuration without running it."""

from __future__ import annotations

import json
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

SAMPLES = Path(__file__).parents[2] / "samples"


def test_the_document_of_a_sample(cli):
    done = cli("openapi", str(SAMPLES / "first-week" / "openapi.yaml"))
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    OpenAPIV31SpecValidator(found).validate()
    assert list(found["paths"]) == ["/orders", "/orders/{id}"]
    assert found["info"]["title"] == "orders"


def test_files_are_in_it_and_one_connector_can_be_chosen(cli):
    path = str(SAMPLES / "first-week" / "static-site.yaml")
    assert any("{path}" in each for each in json.loads(cli("openapi", path).stdout)["paths"])
    assert json.loads(cli("openapi", path, "--connector", "other").stdout)["paths"] == {}


def test_a_wrong_file_is_refused(cli, tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text("flows: [{name: f, proces: []}]")
    done = cli("openapi", str(path))
    assert done.exit_code == 2
    assert "proces" in done.stderr
