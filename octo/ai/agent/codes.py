"""Error codes of agents."""

from __future__ import annotations

from octo.core.errors import Explanation

NO_THREAD = "OCTO-L131"
BAD_THREAD = "OCTO-L132"
BUSY = "OCTO-L133"
TOO_LARGE = "OCTO-L134"

EXPLANATIONS: dict[str, Explanation] = {
    NO_THREAD: Explanation(
        "A conversation has no id",
        "`memoryThreadId` of an agent, or `threadId` of `clear-agent-memory`, is an empty text for this message. Send "
        "the id with each message, or make one: `memoryThreadId: vars.chat`.",
    ),
    BAD_THREAD: Explanation(
        "A stored conversation cannot be read",
        "The entry in the key-value service is damaged, or was written by a newer Octo. Read it with that version, or "
        "remove it with `clear-agent-memory`.",
    ),
    BUSY: Explanation(
        "The conversation is under way",
        "The agent has `join: refuse`, and another message of the same conversation is being worked on. Try again "
        "later, or use `join: steer`, which gives the message to the run that is under way.",
    ),
    TOO_LARGE: Explanation(
        "A conversation is too large to wait for a person",
        "What the model wants called, and a person must allow, has arguments of about a megabyte together. A process "
        "that went on with the run could not know them, so nobody was asked and nothing was called. Let the tools take "
        "less, such as the name of a file.",
    ),
}
