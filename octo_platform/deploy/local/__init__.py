"""Deployments as supervised processes of this machine, children of the platform.

Each instance is an `octo run` in a session of its own. What ends it: the platform, which tells it to stop; its own
fault, after which it is started again with growing pauses; or the end of the platform, whatever the reason, because
then the line between them breaks.

All instances of a deployment have one store, in its folder, so a journal outlives each of them. Instances of a version
that migrates run with `--resume new`, and tell those of before through that store to hand over.
`egress` is not enforced: an instance may connect to any port but that of the platform. What else it may not, say
`walls.py` and `octo_platform/enclosure`. `resources.cpu` counts where the platform was given control groups.
"""

from octo_platform.deploy.local.target import LocalTarget, opened

__all__ = ["LocalTarget", "opened"]
