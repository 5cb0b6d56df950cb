"""The codes of what can go wrong with counters, for `octo explain`."""

from octo import Explanation

FULL = "EXAMPLE-101"

EXPLANATIONS = {
    FULL: Explanation(
        "A counter has reached its end",
        "The connector counts no further than its setting `last`. Raise it, or start the flow again: counters begin "
        "anew when the connector is opened.",
    ),
}
