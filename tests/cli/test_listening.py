"""`--port` is for the only http connector of a configuration."""

from __future__ import annotations

import pytest

from octo.builtin import plugins
from octo.cli.listening import listening
from octo.config.load import parse
from octo.core.errors import ConfigError


def config(*connectors: str):
    listed = "".join(f", {{name: {name}, type: http, settings: {{port: 1, host: h}}}}" for name in connectors)
    return parse(f"connectors: [{{name: l, type: logger}}{listed}]", plugins(), {})


def test_it_replaces_the_port_and_nothing_else():
    before = config("web")
    after = listening(before, 9000)

    assert after.connectors["web"].settings == before.connectors["web"].settings.model_copy(update={"port": 9000})
    assert after.connectors["l"] == before.connectors["l"]


def test_a_connector_that_nobody_wrote_is_one_too():
    found = parse("flows: [{name: f, source: {type: http, settings: {path: /}}, process: []}]", plugins(), {})

    assert [each.settings.port for each in listening(found, 9000).connectors.values()] == [9000]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "--port: OCTO-C195: there is no `http` connector"),
        (["a", "b"], "--port: OCTO-C195: there are 2 `http` connectors: `a`, `b`"),
    ],
)
def test_it_must_be_clear_which(names, says):
    with pytest.raises(ConfigError) as caught:
        listening(config(*names), 9000)
    assert str(caught.value).startswith(says)
