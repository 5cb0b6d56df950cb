"""What every service of secrets promises. The service under test must hold `CONTENT`."""

from __future__ import annotations

from octo.core.secrets import masked
from octo.services.ports import Missing, Secrets
from octo.testing.services.suite import BAD_NAMES, Suite, all_refused, fresh, refused

SECRETS: Suite[Secrets] = Suite("secrets")

CONTENT = {
    "plain": "hunter2-conformance-plain",
    "DB_PASSWORD": 'p@ss "word" \\ with/everything: é 🦊 conformance',
    "two-lines": "-----BEGIN conformance-----\nabc\n-----END-----\n",
    "empty": "",
}
"""The secrets that the service must hold. Files, environment variables and secret stores all allow these names."""


@SECRETS.check
async def a_secret_is_read_exactly(secrets: Secrets, _: float) -> None:
    """Each read returns the stored text, to the last character."""
    for name, text in CONTENT.items():
        for _again in range(2):
            assert (await secrets.read(name)).get_secret_value() == text, f"{name} was changed"


@SECRETS.check
async def a_secret_is_never_printed(secrets: Secrets, _: float) -> None:
    """The secret does not print its text, and, once it was read, every text that is masked hides it."""
    for name in ("plain", "DB_PASSWORD"):
        secret = await secrets.read(name)
        assert CONTENT[name] not in f"{secret} {secret!r} {secrets!r}"
        assert CONTENT[name] not in masked(f"the log says {CONTENT[name]}")


@SECRETS.check
async def a_missing_one_is_named(secrets: Secrets, _: float) -> None:
    """The error names the missing secret, and contains no text of the others."""
    name = fresh()
    error = await refused(Missing, secrets.read(name))
    assert name in str(error)
    assert not any(text and text in str(error) for text in CONTENT.values())
    await all_refused([lambda name=name: secrets.read(name) for name in BAD_NAMES])  # type: ignore[misc]
    await refused(Missing, secrets.read("PLAIN"))
