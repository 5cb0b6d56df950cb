"""Time as a source: a message at every tick of a schedule."""

from octo.connectors.cron.connector import Cron
from octo.connectors.cron.schedule import Schedule, parse
from octo.connectors.cron.settings import Tick, Trigger

__all__ = ["Cron", "Schedule", "Tick", "Trigger", "parse"]
