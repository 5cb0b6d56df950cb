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
    "queues",
    "durability",
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
    "models",
    "agents",
    "platform",
)
"""The measures, in the order in which they run and appear on the page."""

SHORT = (
    ("a flow of 4 CEL blocks over HTTP, on one CPU: requests/s", "The ceiling", "flow of 4 CEL blocks", "requests/s"),
    ("a bare ASGI application, which only answers: requests/s", "The ceiling", "bare ASGI application", "requests/s"),
    ("a request to that flow: CPU-ms", "The ceiling", "flow of 4 CEL blocks", "CPU-ms per request"),
    ("`octo run`, from its start to the first answer: ms", "Start", "`octo run`, exec to first 200", "milliseconds"),
    ("an idle `octo run` with http and cron: MB of memory (PSS)", "Memory", "idle, http and cron", "PSS"),
)
"""What most readers come for: the words, and where the figure is: section, row and column."""

CONCLUSION = """# Performance

Octo meets {met} budgets that it is measured by; the others follow below. Read here what a message, a trace, a
reload and an idle process cost, and how that was measured.

"""

METHOD = """## Method

`bench/report.py` writes this page from the last results; no figure is typed by hand. `make bench` measures for a few
minutes, `make bench-full` for about half an hour; both rewrite the page.

- The server has one CPU; the load generator, a separate process, and all back ends share another.
- Before each measurement, the answer of the flow is checked. Connections are kept alive.
- Compared sides are measured in turns (A B B A). A figure is a median, followed by the whole range in parentheses.
- **CPU-ms per request**, of the server's whole process tree, is the main figure: it does not depend on the generator.
- Throughput at saturation (closed model: so many connections, each waits for its answer) and latency at a fixed rate
  (open model: requests come on schedule, and their time counts from when they were due) are in separate tables.
- Compare ratios, not figures: both sides of a ratio were measured on the same machine within the same minutes.
"""

OWN = (
    "The suite sets the limits on growth, on memory after reloads and on what models cost, from its first figures; the "
    "other limits come from the design."
)

SHARED = """Others used the two CPUs of this machine during the run. So wall times and throughput are worse than on an
idle machine, and ranges are wide. Ratios vary less, but they vary: do not trust one run for a ratio near its budget."""


def page(results: dict[str, dict[str, Any]]) -> str:
    """The whole page, from what each measure found."""
    found = [(Section.from_json(each["section"]), each) for each in results.values() if "section" in each]
    sections = [section for section, _ in found]
    parts = [_conclusion(sections), _missed(sections, results), _budgets(sections), METHOD]
    parts.append(_conditions(list(results.values())))
    parts += [_section(section, result) for section, result in found]
    text = "\n".join(parts)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip() + "\n"


def _conclusion(sections: list[Section]) -> str:
    budgets = [budget for section in sections for budget in section.budgets]
    met = f"{sum(bool(budget.met) for budget in budgets)} of the {len(budgets)}"
    rows: list[list[Cell]] = [[words, figure] for words, *where in SHORT if (figure := _figure(sections, *where))]
    return CONCLUSION.format(met=met) + (_table(Table(["what", "measured"], rows)) if rows else "") + "\n"


def _figure(sections: list[Section], title: str, row: str, column: str) -> str:
    """The median in a table, without its range; "" if it was not measured."""
    of_section = [table for section in sections if section.title == title for table in section.tables]
    tables = [table for table in of_section if column in table.columns]
    found = [_cell(cells[table.columns.index(column)]) for table in tables for cells in table.rows if cells[0] == row]
    return found[0].partition(" ")[0] if found else ""


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
