"""What detectors look at, and where it is."""

from __future__ import annotations

from octo.builtin import plugins
from octo.config.compat.seen import Seen, expressions, pieces, written
from octo.config.load import parse
from octo.core.errors import Position
from octo.expr.nodes import Name

TEXT = """\
env: [{name: V, default: body.v}]
connectors: [{name: log, type: logger, settings: {output: stdout}}]
processors: [{name: p, type: set-payload, settings: {value: '[body]'}}]
flows:
- name: f
  process:
  - type: set-payload
    settings:
      value: |
        [1,
         body]
  - ref: p
  - {type: set-variable, name: v, settings: {name: v, value: '${V}'}}
"""


def seen() -> Seen:
    return Seen(parse(TEXT, plugins(), {}), [("flow.yaml", TEXT.encode())])


def test_a_piece_is_where_it_is_written():
    """In a text of several lines, in a processor, and for a variable at the whole value."""
    places = [f"{each.at.line}:{each.at.column}" for each in seen().pieces() if isinstance(each.node, Name)]

    assert places == ["11:10", "3:63", "13:62"]


def test_a_setting_is_found_itself_or_under_settings():
    found = seen()
    blocks = list(found.blocks("set-payload"))
    (connector,) = found.connectors("logger")

    assert found.at(blocks[0].at, "value") == Position("flow.yaml", 9, 7)
    assert found.at(blocks[0].at, "type") == Position("flow.yaml", 7, 5)
    assert found.at(blocks[1].at, "value") == blocks[1].at  # it is the processor's
    assert found.at(connector.at, "output") == Position("flow.yaml", 2, 51)
    assert found.has(connector.at, "output")
    assert not found.has(connector.at, "level")
    assert (written(connector.settings, "output"), written(connector.settings, "level")) == (True, False)


def test_values_are_as_written():
    assert "${V}" in [each.node.text for each in seen().values]


def test_the_pieces_of_an_expression_are_all():
    (block, *_) = seen().blocks("set-payload")
    (expression,) = expressions(block.settings)

    assert len(list(pieces(expression))) == 3
