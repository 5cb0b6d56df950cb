"""CEL against the same work written by hand, and against the official evaluator."""

from __future__ import annotations

import json
import subprocess
from statistics import geometric_mean

from bench import peers
from bench.expressions import BODY, EXPRESSIONS, VARS, Expression
from bench.figures import quickest_of
from bench.machine import SERVER_CPU, environment, pinned
from bench.section import Budget, Cell, Effort, Section, Table

MOST_BY_HAND = 1.3
LEAST_OFFICIAL = 100.0


def measure(effort: Effort) -> Section:
    with pinned():
        times = {each.name: _times(each, 60 if effort.full else 20) for each in EXPRESSIONS}
    try:
        official, missing = _official(80 if effort.full else 25), ""
    except peers.Missing as reason:
        official, missing = {}, str(reason)
    by_hand = {name: ours / hand for name, (ours, hand) in times.items()}
    rows = [
        [name, round(1e9 * ours), round(1e9 * hand), round(by_hand[name], 2), *_cells(official.get(name))]
        for name, (ours, hand) in times.items()
    ]
    return Section(
        "Expressions",
        'Nanoseconds per evaluation, with a body of 35 fields. "By hand" is Python code of a programmer who knows the '
        "data and checks nothing. For Octo and by hand, the fastest of several series counts, in turns.\n\n"
        f"The official evaluator ({peers.BINDING}, its result not converted) gets the same data, but the 1,000 records "
        "only where they are read. It is compared with Octo in one process of Python 3.12, in turns: the last three "
        "columns are medians over the rounds, of the times and of each round's ratio.",
        [Table(COLUMNS, rows)],
        budgets=[_by_hand(by_hand), _faster(official, missing)],
        notes=[f"`{each.name}` is `{each.cel}`." for each in EXPRESSIONS if len(each.cel) < 100],
    )


COLUMNS = [
    "expression",
    "Octo ns",
    "by hand ns",
    "Octo / by hand",
    "Octo ns, in turns with official",
    "official ns",
    "official / Octo",
]


def _cells(compared: dict[str, float] | None) -> list[Cell]:
    if not compared:
        return ["", "", ""]
    return [round(compared["octo"]), round(compared["official"]), round(compared["ratio"])]


def _times(expression: Expression, series: int) -> tuple[float, float]:
    """Seconds of Octo and of the code by hand, in turns."""
    from octo.core.expressions import Build
    from octo.core.message import Message
    from octo.expr import compile as build

    message = Message(BODY, VARS)
    function = build(expression.cel, Build().scope()).function

    by_hand = expression.by_hand
    assert function(message) == by_hand(message), expression.name
    works = [lambda: function(message), lambda: by_hand(message)]
    ours, hand = quickest_of(works, 0.003, series)
    return ours, hand


def _official(rounds: int) -> dict[str, dict[str, float]]:
    """The output of `bench.official`: the times of both and their ratio, by name of the expression."""
    done = subprocess.run(
        ["taskset", "-c", str(SERVER_CPU), peers.official_binding(), "-m", "bench.official", str(rounds)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise peers.Missing(f"the comparison with the official evaluator failed: {done.stderr.strip()[-300:]}")
    compared: dict[str, dict[str, float]] = json.loads(done.stdout)
    return compared


def _by_hand(ratios: dict[str, float]) -> Budget:
    mean = geometric_mean(ratios.values())
    worst = max(ratios, key=lambda name: ratios[name])
    return Budget(
        "CEL over the same work by hand, geometric mean",
        f"<= {MOST_BY_HAND}x",
        mean,
        mean <= MOST_BY_HAND,
        f"worst: {worst}, {ratios[worst]:.2f}",
        "x",
    )


def _faster(official: dict[str, dict[str, float]], missing: str) -> Budget:
    what, promise = "CEL against the official evaluator, small expressions, geometric mean", f">= {LEAST_OFFICIAL:g}x"
    if missing:
        return Budget(what, promise, None, None, missing)
    ratios = [official[each.name]["ratio"] for each in EXPRESSIONS if each.is_small]
    mean = geometric_mean(ratios)
    return Budget(what, promise, mean, mean >= LEAST_OFFICIAL, f"{min(ratios):.0f} to {max(ratios):.0f}", "x")
