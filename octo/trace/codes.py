"""What can be wrong with a place for traces, and its page for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

STORE = "OCTO-S101"
NO_STORE = "OCTO-S102"
NO_TRACE = "OCTO-S103"
AMBIGUOUS = "OCTO-S104"
OTLP = "OCTO-S105"
CONDITION = "OCTO-S106"
UNUSABLE = "OCTO-S107"

EXPLANATIONS: dict[str, Explanation] = {
    STORE: Explanation(
        "A place for traces cannot be used",
        "Traces go to `memory:`, `file:PATH.jsonl` or `sqlite:PATH.db`; a bare path counts by its ending. The message "
        "says what is wrong with this one: it may be no trace store but a file of something else, damaged, or in a "
        "folder that does not exist or cannot be written. Nothing is overwritten: name another file, or move it away.",
    ),
    NO_STORE: Explanation(
        "No traces there",
        "The file does not exist. It is made when the first trace is written: look at the path that the flows run "
        "with, and whether any message came since. What is kept in "
        "`memory:` can only be read through the operations port of its process: GET /traces, GET /traces/ID.",
    ),
    NO_TRACE: Explanation(
        "No such trace",
        "No kept trace has this event id or trace id. Successes are kept by sample, and all traces only as long as "
        "the store has room: the oldest go first. The first 6 characters of an id, or more, are enough.",
    ),
    AMBIGUOUS: Explanation(
        "The id is that of several traces",
        "The beginning of the id fits more than one trace. The message lists some: give more characters.",
    ),
    OTLP: Explanation(
        "Spans did not reach the collector",
        "The address of an OpenTelemetry collector is wrong, or the collector did not take what it was sent. It must "
        "speak OTLP over HTTP, usually on port 4318. Flows go on; what could not be sent is counted and lost there, "
        "while Octo's own store keeps it.",
    ),
    CONDITION: Explanation(
        "No condition to look for messages with",
        "`when` is a CEL expression over the message that comes into the flow, as in `body.total > 1000`, and must be "
        "true or false. It may use `body`, `vars`, `eventID` and `correlationID`.",
    ),
    UNUSABLE: Explanation(
        "No test can be made of the trace",
        "A test from a trace, and a replay, need all that the message was and all that others answered. Payloads over "
        "the limit and blocks beyond the limit are not in the trace: record with higher ones. The flow must still be "
        "there under its name.",
    ),
}
