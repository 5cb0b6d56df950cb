"""Octo and the official evaluator in one process and in turns, so that the load of the machine hits both alike.

`python -m bench.official ROUNDS`, in an environment that has both, with Python >= 3.12: on older ones the binding
aborts after a few thousand nulls. Prints JSON: the nanoseconds of both, and their ratio, of each expression.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.expressions import BODY, EXPRESSIONS, VARS, Expression
from bench.figures import quickest_of

Work = Callable[[], Any]
SECONDS = 0.003
"""Of one series: short, so that a round is over before the machine changes."""


def main() -> None:
    rounds = int(sys.argv[1])
    print(json.dumps({each.name: compared(octo(each), official(each), rounds) for each in EXPRESSIONS}))


def octo(expression: Expression) -> Work:
    """An evaluation as a flow does it: compiled before, given the message."""
    from octo.core.expressions import Build
    from octo.core.message import Message
    from octo.expr import compile as build

    message = Message(BODY, VARS)
    function = build(expression.cel, Build().scope()).function
    return lambda: function(message)


def official(expression: Expression) -> Work:
    """The same by the binding, once both are seen to agree; its result is not converted."""
    from cel_expr_python import cel

    environment = cel.NewEnv(
        config=cel.NewEnvConfigFromYaml("name: bench\nextensions:\n- name: strings"),
        variables={"body": cel.Type.DYN, "vars": cel.Type.DYN},
    )
    program = environment.compile(expression.cel)
    data = {"body": _read(expression), "vars": VARS}
    assert program.eval(data=data).plain_value() == octo(expression)(), expression.name
    return lambda: program.eval(data=data)


def _read(expression: Expression) -> dict[str, Any]:
    """Who measures a small expression must not charge it with the thousand records that others work on."""
    return {key: value for key, value in BODY.items() if key != "records" or "records" in expression.cel}


def compared(ours: Work, theirs: Work, rounds: int) -> dict[str, float]:
    """Medians of all rounds. A ratio is of one round: what slows the machine down for longer slows both of it."""
    times = [quickest_of((ours, theirs), SECONDS, 1) for _ in range(rounds)]
    return {
        "octo": 1e9 * median(mine for mine, _ in times),
        "official": 1e9 * median(yours for _, yours in times),
        "ratio": median(yours / mine for mine, yours in times),
    }


if __name__ == "__main__":
    main()
