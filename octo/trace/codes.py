"""Codes of errors with traces, stores and collectors, each with its page for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

STORE = "OCTO-S101"
NO_STORE = "OCTO-S102"
NO_TRACE = "OCTO-S103"
AMBIGUOUS = "OCTO-S104"
OTLP = "OCTO-S105"
CONDITION = "OCTO-S106"
UNUSABLE = "OCTO-S107"
TAPS = "OCTO-S108"

EXPLANATIONS: dict[str, Explanation] = {
    STORE: Explanation(
        "A trace store cannot be used",
        "Traces go to `memory:`, `file:PATH.jsonl` or `sqlite:PATH.db`; the ending of a bare path decides which it is. "
        "The message says what is wrong with this one: the file may belong to another program, it may be damaged, or "
        "its folder does not exist or cannot be written. Octo overwrites nothing: name another file, or move this one "
        "away.",
    ),
    NO_STORE: Explanation(
        "There is no trace store",
        "The file does not exist. Octo creates it when it writes the first trace: check the path that the flows run "
        "with, and whether a message has come since. Traces in `memory:` can only be read through the operations port "
        "of their process: GET /traces, GET /traces/ID.",
    ),
    NO_TRACE: Explanation(
        "No such trace",
        "No kept trace has this event id or trace id. Octo keeps a sample of the successes, and deletes the oldest "
        "traces when the store is full. Give at least the first 6 characters of the id.",
    ),
    AMBIGUOUS: Explanation(
        "Several traces have this id",
        "The id begins the ids of more than one trace. The message lists some of them: give more characters.",
    ),
    OTLP: Explanation(
        "Spans did not reach the collector",
        "The address of an OpenTelemetry collector is wrong, or the collector did not accept the spans. It must speak "
        "OTLP over HTTP, usually on port 4318. Flows go on. Octo counts the traces that the collector misses; Octo's "
        "own store keeps them.",
    ),
    CONDITION: Explanation(
        "`when` is not a condition",
        "`when` is a CEL expression over the message that enters the flow, such as `body.total > 1000`. Its result "
        "must be true or false. It may use `body`, `vars`, `eventID` and `correlationID`. Messages wait while it is "
        "evaluated: a tap whose condition has taken half a second altogether is closed.",
    ),
    TAPS: Explanation(
        "Too many taps",
        "Each open tap looks at every message, so a process has at most 8. Close one, or wait for the messages that "
        "it was asked for.",
    ),
    UNUSABLE: Explanation(
        "No test can be made of the trace",
        "A test from a trace, and a replay, need the whole message and every response of other systems. The trace does "
        "not have payloads over the size limit, nor blocks over the limit of blocks: record with higher limits. The "
        "flow must still exist under its name.",
    ),
}
