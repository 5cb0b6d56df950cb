"""The official evaluator's time for expressions given as JSON on standard input; runs in an environment of its own.

`python -m bench.official`, with Python >= 3.12: on older ones the binding aborts after a few thousand nulls.
"""

from __future__ import annotations

import json
import sys

from bench.figures import quickest


def main() -> None:
    """Print nanoseconds per expression."""
    from cel_expr_python import cel

    given = json.load(sys.stdin)
    environment = cel.NewEnv(
        config=cel.NewEnvConfigFromYaml("name: bench\nextensions:\n- name: strings"),
        variables={"body": cel.Type.DYN, "vars": cel.Type.DYN},
    )
    times = {}
    for name, text in given["expressions"].items():
        program = environment.compile(text)
        data = {"body": given["body"], "vars": given["vars"]}
        # Who measures a small expression must not charge it with the thousand records that others work on.
        if "records" not in text:
            data["body"] = {key: value for key, value in given["body"].items() if key != "records"}
        times[name] = (
            quickest(lambda program=program, data=data: program.eval(data=data), seconds=0.003, series=20) * 1e9
        )
    print(json.dumps(times))


if __name__ == "__main__":
    main()
