"""What a stub says of its answers when none of them fits."""

import pytest

from octo.core.misfit import Misfit, advice

OTHER = Misfit(0, "it is for another path")


@pytest.mark.parametrize(
    ("labels", "misfits", "said"),
    [
        ([], [], "it has no `answers` at all"),
        (
            ["GET /a", "GET /b"],
            [OTHER, Misfit(1, "it is for POST")],
            "the nearest is answer 2 (GET /b), but it is for POST",
        ),
        (["GET /orders"], [OTHER], "the nearest is answer 1 (GET /orders)"),
        (["PUT x", "PUT y"], [OTHER] * 2, "it answers PUT x, PUT y"),
        ([f"PUT {each}" for each in "uvwxyz"], [OTHER] * 6, "it answers PUT u, PUT v, PUT w, PUT x, PUT y, ..."),
    ],
)
def test_the_nearest_answer_is_named(labels, misfits, said):
    """By what fits of it, else by its label; without a near one the first five are listed."""
    assert advice("GET /order", labels, misfits) == said


def test_the_first_of_equally_near_answers_is_named():
    assert advice("q", ["one", "two"], [Misfit(1, "first"), Misfit(1, "second")], repr) == (
        "the nearest is answer 1 ('one'), but first"
    )
