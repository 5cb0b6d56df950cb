"""The test runner: cases in YAML, run in this process, judged and reported.

    configs = Configs(load)                  # load: path, environment -> Config
    plan_ = plan([Path("flows")], configs)   # raises ConfigError with every problem
    for case in plan_.cases:
        outcome = run_case(case, configs, observers=[coverage])

Observers (`octo.engine.observe`) watch the flows while they are tested; `run_case` takes any number of them. Reports
and gates read the `Outcome`s, plain data, that `run_case` and `run_all` return.
"""

from octo.suite.case import Call, Case, Suite
from octo.suite.cassettes import Cassettes
from octo.suite.configs import Configs
from octo.suite.outcome import Happened, Mismatch, Outcome, exit_code
from octo.suite.plan import Plan, plan
from octo.suite.run import run_case
from octo.suite.schedule import run_all

__all__ = [
    "Call",
    "Case",
    "Cassettes",
    "Configs",
    "Happened",
    "Mismatch",
    "Outcome",
    "Plan",
    "Suite",
    "exit_code",
    "plan",
    "run_all",
    "run_case",
]
