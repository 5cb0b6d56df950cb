"""The test runner: cases in YAML, run in this process, judged and reported.

    configs = Configs(load)                  # load: path, environment -> Config
    plan_ = plan([Path("flows")], configs)   # raises ConfigError with all that is wrong
    for case in plan_.cases:
        outcome = run_case(case, configs, observers=[coverage])

What looks at flows while they are tested is an observer (`octo.engine.observe`): `run_case` takes any number. What
looks at results takes `Outcome`s, plain data, as they come from `run_case` or `run_all`.
"""

from octo.suite.case import Call, Case, Suite
from octo.suite.configs import Configs
from octo.suite.outcome import Happened, Mismatch, Outcome, exit_code
from octo.suite.plan import Plan, plan
from octo.suite.run import run_case
from octo.suite.schedule import run_all

__all__ = [
    "Call",
    "Case",
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
