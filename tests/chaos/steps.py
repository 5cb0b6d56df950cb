"""What the killed flows declare, and the points at which the kill loop ends a life between two declared steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from octo.builtin import plugins
from octo.config.guarantees import guarantees
from octo.config.load import parse
from octo.core.promise import Guarantee, Step

BETWEEN: Mapping[tuple[Step, Step], tuple[str, ...]] = {
    ("send", "confirm"): ("before a commit", "after a commit", "before it is confirmed"),
    ("confirm", "reply"): ("before the effect", "after the effect", "between blocks"),
    ("flow", "reply"): ("before the acknowledgement",),
    ("flow", "acknowledge"): ("before the acknowledgement",),
    ("flow", "commit"): ("before the acknowledgement", "before a commit"),
    # The services of Octo write the reply and the acknowledgement at once: on disk there is nothing between them.
    ("reply", "acknowledge"): ("before a commit", "after a commit"),
    ("acknowledge", "flow"): ("after the acknowledgement", "before the effect", "between blocks"),
    ("record", "flow"): ("after it is written", "before the effect"),
}
"""Points at which the first step is done and the second is not."""


class Declared(NamedTuple):
    """guarantee, steps: of the source of `work`, with the flow's durability. sinks: steps of what sends to it."""

    guarantee: Guarantee
    steps: tuple[Step, ...]
    sinks: tuple[tuple[Step, ...], ...]

    @property
    def pairs(self) -> list[tuple[Step, Step]]:
        """The steps that follow each other. There is no reply where nobody has asked for one."""
        is_asked = any("reply" in steps for steps in self.sinks)
        own = [step for step in self.steps if is_asked or step != "reply"]
        return [pair for steps in (own, *self.sinks) for pair in pairwise(steps)]


@cache
def declared(flow: str) -> Declared | None:
    """What `octo check --guarantees` says of a workload's flows; None if `work` has no source."""
    environ = {"PORT": "1", "QUEUE": "pairs", "AMQP": "amqp://guest:guest@localhost/"}
    config = parse(re.sub(r"\w*effects:\w+", "json:loads", flow), plugins(), environ)
    found = {each.flow: each for each in guarantees(config)}
    if "work" not in found:
        return None
    sinks = [each.promise.steps for each in found["accept"].effects if each.promise is not None]
    return Declared(found["work"].guarantee, found["work"].steps, tuple(sinks))
