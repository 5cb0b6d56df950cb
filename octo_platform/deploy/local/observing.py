"""What is seen of a deployment."""

from __future__ import annotations

from octo_platform.deploy.local.crew import Crew
from octo_platform.deploy.local.keeper import Keeper
from octo_platform.deploy.local.sockets import HOST
from octo_platform.deploy.target import Observed, Phase, Reason

ABSENT = Observed(phase="absent")
LEFT = Observed(
    phase="progressing",
    reasons=(Reason(code="NotStarted", text="the platform has begun anew, and was not told yet what to run"),),
)
"""There is a folder, and nothing more: its processes have ended with the platform before."""


def observed(keeper: Keeper) -> Observed:
    """What is there, and whether it is what is wanted."""
    desired = keeper.wanted
    if desired is None:
        removing = Reason(code="Removing", text="instances come to an end")
        instances = tuple(each for crew in keeper.crews for each in crew.instances())
        return Observed(phase="progressing", reasons=(removing,), instances=instances)
    newest = keeper.newest
    failure = newest.failure() if newest is not None and desired.replicas else None
    reasons = [] if failure is None else [failure]
    for each in keeper.crews:
        reasons += [reason for reason in each.reasons() if reason not in reasons]
    if keeper.moved:
        reasons.append(Reason(code="PortTaken", text=keeper.moved))
    if keeper.trouble is not None:
        reasons.append(keeper.trouble)
    return Observed(
        phase="failed" if failure is not None else _phase(keeper, newest, desired.replicas),
        generation=desired.generation,
        wanted=desired.replicas,
        ready=sum(each.ready for each in keeper.crews if not each.is_leaving),
        reasons=tuple(reasons),
        instances=tuple(each for crew in keeper.crews for each in crew.instances()),
        internal_url=f"http://{HOST}:{keeper.port}" if desired.port is not None and keeper.port else None,
    )


def _phase(keeper: Keeper, newest: Crew | None, wanted: int) -> Phase:
    crews = keeper.crews
    if not wanted:
        return "progressing" if crews else "paused"
    if newest is None or len(crews) > 1 or newest.generation != (keeper.wanted and keeper.wanted.generation):
        return "progressing"
    if newest.ready < wanted:
        return "degraded" if newest.was_ready else "progressing"
    return "running"
