"""Base64 in its own alphabet, and nothing else."""

import pytest


@pytest.mark.parametrize("text", ["YW$Jj", "YW Jj", "YW\nJj", "YWJj\n", " YWJj", "-_-_", "YW=Jj", "\u00e9"])
def test_what_is_no_base64_is_refused(failure, text):
    """Python would skip what it does not know."""
    error = failure("base64.decode(body)", text)

    assert error.code == "OCTO-E206"
    assert error.message.startswith("not base64: ")
