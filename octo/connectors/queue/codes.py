"""The codes of queue errors, explained: `octo explain OCTO-Q101`."""

from __future__ import annotations

from octo.core.errors import Explanation

FAILED = "OCTO-Q101"
NO_REPLY = "OCTO-Q102"

EXPLANATIONS: dict[str, Explanation] = {
    FAILED: Explanation(
        "The consumer of a message failed",
        "The flow that took the message failed, and this block waits for its reply (`awaitReply`). The text is that of "
        "the consumer's error, with its code; its log has more. Whether trying again may help is what the consumer's "
        "error says. The message is not among the dead letters: who waits decides what happens to it.",
    ),
    NO_REPLY: Explanation(
        "The reply is no reply",
        "A reply came that no `queue` source of Octo writes. Another program seems to consume this queue.",
    ),
}
