"""Deployments as supervised processes of this machine, children of the platform.

Each instance is an `octo run` in a session of its own. What ends it: the platform, which tells it to stop; its own
fault, after which it is started again with growing pauses; or the end of the platform, whatever the reason, because
then the line between them breaks.

What becomes of journalled messages does not depend on `in_flight` here: an instance that is replaced has `drain`
seconds to finish them, and its successor goes on with the rest, in the flow files that they began with.
`egress` is not enforced: an instance may connect to any port but that of the platform. What else it may not, say
`walls.py` and `octo_platform/enclosure`. `resources.cpu` counts where the platform was given control groups.
"""

from octo_platform.deploy.local.target import LocalTarget, opened

__all__ = ["LocalTarget", "opened"]
