"""The table and the list that a terminal shows."""

from __future__ import annotations

from octo.suite import coverage

DASH = "\N{EN DASH}"
FLOWS = """
flows:
  - name: orders
    process:
      - type: if
        name: check
        condition: body > 1
        then:
          - {type: set-payload, value: 'body > 9 ? 1 : 2'}
        else:
          - {type: log, message: body}
    error:
      - {type: set-payload, name: apologise, value: '"sorry"'}
  - name: never
    process: [{type: set-payload, value: "1"}]
  - name: done
    process: [{type: set-payload, value: "1"}]
"""


def text(result, **options):
    """The text with hyphens for dashes."""
    return coverage.text(result, **options).replace(DASH, "-")


def test_flows_are_a_table_and_what_is_missing_a_list_with_places(cover):
    result = cover(FLOWS, ("orders", 5), ("done", 1))

    assert text(result).splitlines() == [
        "flow        covered   blocks   branches   errors   decisions",
        "flows.yaml",
        "  orders      45.4%      2/4        1/2      0/1         2/4",
        "  never        0.0%      0/1          -        -           -",
        "  done         100%      1/1          -        -           -",
        "all flows     46.1%      3/6        1/2      0/1         2/4",
        "",
        "Not covered",
        "  flows.yaml:6:20    `body > 1` was never false",
        "  flows.yaml:8:41    `body > 9` was never true",
        "  flows.yaml:10:13   branch orders.check[else] never taken (nor the 1 in it)",
        "  flows.yaml:12:9    error path orders[error] never ran (nor the 1 in it)",
        '  flows.yaml:13:5    flow "never" was never called (1 to cover)',
    ]


def test_a_list_too_long_to_read_is_cut(cover):
    lines = text(cover(FLOWS, ("orders", 5)), missed=2).splitlines()

    assert lines[-1] == "  … and 4 more"
    assert len([line for line in lines if "flows.yaml:" in line]) == 2


def test_nothing_is_missing_when_all_is_covered(cover):
    assert "Not covered" not in text(cover("flows: [{name: f, process: [{type: log, message: body}]}]", ("f", 1)))


def test_colours_are_for_terminals_only(cover):
    result = cover(FLOWS)

    assert "\x1b[" not in text(result)
    assert "\x1b[31m  never" in text(result, colour=True)


def test_without_flows_there_is_a_table_all_the_same(cover):
    assert text(cover("service: {name: x}")).splitlines()[-1].split() == ["all", "flows", "100%", "-", "-", "-", "-"]


def test_a_terminal_does_not_obey_a_name(cover):
    shown = text(cover('flows: [{name: "\\e[2Jboo\\n", process: [{type: log, message: body}]}]'))

    assert "\x1b" not in shown
    assert "\ufffd[2Jboo\ufffd" in shown
