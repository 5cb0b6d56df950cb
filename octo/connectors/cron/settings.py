"""The settings of a `cron` connector, its source and its stub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from octo.connectors.cron.schedule import Schedule, parse
from octo.core.expressions import Expr, Names
from octo.core.message import Message
from octo.core.promise import Promise
from octo.core.settings import Advanced, Settings
from octo.expr import Timestamp

ONCE = Promise("at most once", ("record", "flow"))
AGAIN = Promise("at least once", ("record", "flow", "commit"), "with `unfinished: again`")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Nothing(Settings):
    pass


class Stub(Settings):
    """The schedule does not run: only `trigger` makes ticks."""


class Trigger(Settings):
    """One tick. The trigger ends when its message is finished, and has no result."""

    at: datetime | None = None
    """The time of the tick, which is `now` in the payload, e.g. `2026-03-29T06:30:00Z`. Default: the current time."""

    @field_validator("at", mode="before")
    @classmethod
    def _is_a_moment(cls, text: object) -> object:
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else text
        except ValueError:
            moment = None
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            return moment
        raise PydanticCustomError("moment", "not a time; write e.g. 2026-03-29T06:30:00Z")


class Tick(Settings):
    schedule: str = Field(examples=["@every 5s", "0 30 6 * * MON-FRI"])
    """When to tick: `sec min hour day month weekday` as in `0 30 6 * * MON-FRI`, the same without seconds, `@every 5s`,
    or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. May begin with `TZ=Europe/Berlin `."""

    payload: Annotated[Expr[object], Names("now", "settings")] | None = None
    """The body of the message. May use `now`, the time of the tick, and `settings`, these settings. Default null. If
    the expression fails, the tick is skipped and logged."""

    correlation_id: Annotated[str, Field(alias="correlationID"), Advanced] = ""
    """Correlation id of every message."""

    timezone: str | None = None
    """IANA name of the time zone of the schedule, e.g. `Europe/Berlin`. Default: the time zone of the process (`TZ`,
    else the system's). A fixed time of day ticks exactly once a day, also when daylight saving begins or ends."""

    overlap: Literal["skip", "queue", "allow"] = "skip"
    """What happens to a tick while the message of the tick before is unfinished: `skip` logs it and drops it, `queue`
    lets it wait (several waiting ticks become one), `allow` starts it at once."""

    missed: Annotated[Literal["skip", "once"], Advanced] = "skip"
    """What happens to ticks that passed while no process ran the flow, the machine was asleep or its clock was set
    forward: `skip` leaves them out, `once` sends one message for all of them, with the time of the first."""

    unfinished: Annotated[Literal["skip", "again"], Advanced] = "skip"
    """What happens to a tick whose process ends before its flow has finished, or whose flow fails for a reason that may
    pass: `skip` leaves it at that, `again` runs it again, here or in another process, at most 5 times."""

    def promises(self) -> Promise:
        return AGAIN if self.unfinished == "again" else ONCE

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, text: str) -> str:
        _parsed(text)
        return text

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str | None, info: ValidationInfo) -> str | None:
        _parsed(info.data.get("schedule", "@daily"), name)
        return name

    def message(self, moment: datetime, event_id: str = "") -> Message:
        """The message of a tick. Raises `ExprError` if the payload fails."""
        body = None
        if self.payload is not None:
            body = self.payload(Timestamp((moment - _EPOCH) // timedelta(microseconds=1) * 1000), self.as_map())
        return Message(body, event_id=event_id, correlation_id=self.correlation_id)

    def as_map(self) -> dict[str, object]:
        """The settings that the author wrote, as the payload sees them."""
        named = {info.alias or name: getattr(self, name) for name, info in type(self).model_fields.items()}
        written = {type(self).model_fields[name].alias or name for name in self.model_fields_set}
        return {
            name: value.text if isinstance(value, Expr) else value for name, value in named.items() if name in written
        }


def _parsed(text: str, zone: str | None = None) -> Schedule:
    try:
        return parse(text, zone)
    except ValueError as error:
        raise PydanticCustomError("schedule", "{reason}", {"reason": str(error)}) from None
