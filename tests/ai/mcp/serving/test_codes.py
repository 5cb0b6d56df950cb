"""Every code of the server half is explained."""

from __future__ import annotations

from octo.ai.mcp.serving import codes


def test_every_code_is_explained():
    mine = {value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)}

    assert mine == set(codes.EXPLANATIONS)
