"""Writes the page `docs/performance.md` from `bench/results`: `python -m bench.report`."""

from __future__ import annotations

import json
from typing import Any

from bench.machine import ROOT
from bench.section import Budget, Cell, Plot, Section, Table
from bench.svg import draw

DOCS = ROOT / "docs"
PLOTS = DOCS / "performance"
RESULTS = ROOT / "bench" / "results"

MEASURES = (
    "ceiling",
    "expressions",
    "foreach",
    "start",
    "flows",
    "traces",
    "traces_soak",
    "growth",
    "proxy",
    "tenants",
    "memory",
    "reload",
    "peer",
)
"""The measures, in the order in which they run and appear on the page."""

HEAD = """# Performance

This page shows what Octo costs, measured by its benchmark suite. `bench/report.py` writes it from the last results; no
figure is typed by hand. `make bench` measures for a few minutes, `make bench-full` for about half an hour; both rewrite
this page.

## Method

- The server has one CPU; the load generator, a separate process, and all back ends share another.
- Before each measurement, the answer of the flow is checked. Connections are kept alive.
- Compared sides are measured in turns (A B B A). A figure is a median, followed by the whole range in parentheses.
- **CPU-ms per request**, of the server's whole process tree, is the main figure: it does not depend on the generator.
- Throughput at saturation (closed model: so many connections, each waits for its answer) and latency at a fixed rate
  (open model: requests come on schedule, and their time counts from when they were due) are in separate tables.
- Compare ratios, not figures: both sides of a ratio were measured on the same machine within the same minutes.
"""

OWN = (
    "The suite sets the limits on growth and on memory after reloads, from its first figures; the other limits come "
    "from the design."
)

SHARED = """Others used the two CPUs of this machine during the run. So wall times and throughput are worse than on an
idle machine, and ranges are wide. Ratios vary less, but they vary: do not trust one run for a ratio near its budget."""


def page(results: dict[str, dict[str, Any]]) -> str:
    """The whole page, from what each measure found."""
    found = [(Section.from_json(each["section"]), each) for each in results.values() if "section" in each]
    sections = [section for section, _ in found]
    parts = [HEAD, _conditions(list(results.values())), _budgets(sections), _missed(sections, results)]
    parts += [_section(section, result) for section, result in found]
    text = "\n".join(parts)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip() + "\n"


def _conditions(results: list[dict[str, Any]]) -> str:
    rows: list[list[Cell]] = [[name, value] for name, value in results[-1]["machine"].items()]
    loads = [float(each["load"].split()[0]) for each in results]
    rows.append(["load average as measures began", f"{min(loads):.1f} to {max(loads):.1f}"])
    rows.append(["time taken", f"{sum(each['took'] for each in results) / 60:.0f} minutes"])
    lines = ["## The machine", "", _table(Table(["", ""], rows)), ""]
    return "\n".join([*lines, SHARED, ""] if max(loads) > 1.5 else lines)


def _budgets(sections: list[Section]) -> str:
    rows: list[list[Cell]] = [
        [each.what, each.promise, _value(each), _verdict(each), each.detail]
        for section in sections
        for each in section.budgets
    ]
    return f"## Budgets\n\n{OWN}\n\n" + _table(Table(["what", "budget", "measured", "", "remark"], rows)) + "\n"


def _value(budget: Budget) -> str:
    if budget.value is None:
        return ""
    digits = 0 if budget.unit == " ms" or budget.value >= 100 or budget.value == int(budget.value) else 2
    return f"{budget.value:,.{digits}f}{budget.unit}"


def _verdict(budget: Budget) -> str:
    return "not measured" if budget.met is None else "met" if budget.met else "**missed**"


def _missed(sections: list[Section], results: dict[str, dict[str, Any]]) -> str:
    missed = [each for section in sections for each in section.budgets if not each.met]
    lines = ["## What is missed, and what is not measured", ""]
    lines += [
        f"- {each.what}: {_value(each) or 'not measured'}, budget {each.promise}. {each.detail}" for each in missed
    ]
    lines += [f"- `{name}` did not run: {each['failed']}" for name, each in results.items() if "failed" in each]
    lines += [f"- {note}" for section in sections for note in section.notes if note.startswith("Not ")]
    return "\n".join([*lines, ""]) if len(lines) > 2 else ""


def _section(section: Section, result: dict[str, Any]) -> str:
    lines = [f"## {section.title}", "", section.text, ""]
    for table in section.tables:
        lines += [f"**{table.title}**", ""] if table.title else []
        lines += [_table(table), ""]
    lines += [f"![{plot.title}](performance/{plot.file}.svg)\n" for plot in section.plots]
    lines += [f"- {note}" for note in section.notes]
    lines += ["", _origin(result), ""]
    return "\n".join(lines)


def _origin(result: dict[str, Any]) -> str:
    octo, took = result["machine"]["Octo"], result["took"]
    return f"_Suite {result['suite']}, {result['at']}, Octo {octo}, load average {result['load']}, {took:.0f} seconds._"


def _table(table: Table) -> str:
    rows = [[_cell(each) for each in row] for row in table.rows]
    head = [table.columns, ["---" if not number else "---:" for number in range(len(table.columns))]]
    if any(len(each) > 40 for row in rows for each in row[1:]) or not table.columns[0]:
        head[1] = ["---"] * len(table.columns)
    return "\n".join("| " + " | ".join(row) + " |" for row in [*head, *rows])


def _cell(value: Cell) -> str:
    text = f"{value:,}" if isinstance(value, int | float) else value
    return text.replace("|", "\\|").replace("\n", " ")


def write() -> None:
    """Write the page and its plots from the last result of every measure."""
    paths = {name: RESULTS / f"{name}.json" for name in MEASURES}
    results = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    PLOTS.mkdir(exist_ok=True)
    for result in results.values():
        for plot in result.get("section", {}).get("plots", ()):
            (PLOTS / f"{plot['file']}.svg").write_text(draw(Plot(**plot)))
    (DOCS / "performance.md").write_text(page(results))


if __name__ == "__main__":
    write()
