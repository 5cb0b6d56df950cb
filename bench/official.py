"""Octo and the official evaluator in one process and in turns, so that the load of the machine hits both alike.

`python -m bench.official ROUNDS`, in an environment that has both, with Python >= 3.12: on older ones the binding
aborts after a few thousand nulls. It prints JSON: for each expression the nanoseconds of both, and their ratio.
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
"""The length of one series: short, so that a round is over before the machine's load changes."""


def main() -> None:
    rounds = int(sys.argv[1])
    print(json.dumps({each.name: compared(octo(each), official(each), rounds) for each in EXPRESSIONS}))


def octo(expression: Expression) -> Work:
    """An evaluation as in a flow: compiled before, on a message."""
    from octo.core.expressions import Build
    from octo.core.message import Message
    from octo.expr import compile as build

    message = Message(BODY, VARS)
    function = build(expression.cel, Build().scope()).function
    return lambda: function(message)


def official(expression: Expression) -> Work:
    """The same with the binding, after a check that both agree. Its result is not converted."""
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
    """The body without the thousand records, unless the expression reads them: passing them would cost time."""
    return {key: value for key, value in BODY.items() if key != "records" or "records" in expression.cel}


def compared(ours: Work, theirs: Work, rounds: int) -> dict[str, float]:
    """Medians of all rounds. Each ratio is from one round: when the machine is slow for longer, it slows both sides."""
    times = [quickest_of((ours, theirs), SECONDS, 1) for _ in range(rounds)]
    return {
        "octo": 1e9 * median(mine for mine, _ in times),
        "official": 1e9 * median(yours for _, yours in times),
        "ratio": median(yours / mine for mine, yours in times),
    }


if __name__ == "__main__":
    main()
