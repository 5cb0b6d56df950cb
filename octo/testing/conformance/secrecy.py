"""Checks secrets: no text that was printed, logged or raised may contain one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, SecretStr

from octo.testing.conformance.subject import Subject
from octo.testing.conformance.watch import Findings

_SHORTEST = 4
"""Characters of a secret that is looked for, at least: shorter ones occur in any text."""


def check(subject: Subject, found: Findings) -> None:
    """Report each text that contains a secret of the settings."""
    parts = [subject.settings, *(source.settings for _, source in subject.sources())]
    parts += [block.settings for flow in subject.config.flows.values() for block in flow.process]
    secrets = {each.get_secret_value() for part in parts for each in _secrets(part)}
    texts = [*found.texts, *(("the repr of settings", repr(part)) for part in parts)]
    for where, text in texts:
        if any(secret in text for secret in secrets if len(secret) >= _SHORTEST):
            found.add(f"a secret stands in {where}: leave it out, and read `.get_secret_value()` only where it is sent")


def _secrets(value: object) -> Iterator[SecretStr]:
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        yield from (each for part in value.values() for each in _secrets(part))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        yield from (each for part in value for each in _secrets(part))
