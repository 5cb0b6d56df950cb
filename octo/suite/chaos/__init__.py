"""Fault injection: what a flow loses or does twice when the systems it calls misbehave.

A case is run as it is, to learn which calls to the outside it makes. Then it is run again for every call and every
fault, one fault at a time, in virtual time. See `explore` for the verdicts.
"""

from octo.suite.chaos.explore import Explored, Verdict, explore
from octo.suite.chaos.faults import FAULTS, Fault

__all__ = ["FAULTS", "Explored", "Fault", "Verdict", "explore"]
