"""Time as a source: a message at every tick of a schedule."""

from octo.connectors.cron.connector import Cron, Tick, Trigger
from octo.connectors.cron.schedule import Schedule, parse

__all__ = ["Cron", "Schedule", "Tick", "Trigger", "parse"]
