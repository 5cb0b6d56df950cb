"""Fault injection: what a flow loses or does twice when the systems it calls misbehave.

A case runs once as it is, to find the calls that it makes to the outside. Then it runs again for every call and every
fault, one fault at a time, in virtual time. See `explore` for the verdicts.
"""

from octo.suite.chaos.explore import Explored, Verdict, explore
from octo.suite.chaos.faults import FAULTS, Fault

__all__ = ["FAULTS", "Explored", "Fault", "Verdict", "explore"]
