"""The codes of NATS errors, explained: `octo explain OCTO-N101`."""

from __future__ import annotations

from octo.core.errors import Explanation

NO_RESPONDERS = "OCTO-N101"
NO_STREAM = "OCTO-N102"
TOO_LARGE = "OCTO-N103"
FAILED = "OCTO-N104"
NOT_ALLOWED = "OCTO-N105"
NO_CONSUMER = "OCTO-N106"

EXPLANATIONS: dict[str, Explanation] = {
    NO_RESPONDERS: Explanation(
        "Nobody answers on a subject of NATS",
        "`nats-request` asked, and the server said at once that nobody listens on the subject. Start the service that "
        "answers, or correct the subject. The same message may succeed later; `retry` tries again.",
    ),
    NO_STREAM: Explanation(
        "No stream takes the message",
        "`nats-publish` with `jetstream: true` waits until a stream has the message, and no stream of the server has "
        "the subject, or JetStream does not work right now. List the streams and their subjects with `nats stream ls` "
        "and `nats stream info NAME`; make one with `nats stream add`.",
    ),
    TOO_LARGE: Explanation(
        "A message is too large for NATS",
        "The server, or the stream, refuses messages above a size (`max_payload`, 1 MiB by default; `max_msg_size`). "
        "Keep large content elsewhere and send where it is, or raise the limit.",
    ),
    FAILED: Explanation(
        "Who answers a request has failed",
        "The reply to `nats-request` is an error (`Nats-Service-Error`). The log of the service that answered says "
        "more. With a code of 500 or above, 408, 425 or 429 the same message may succeed later.",
    ),
    NOT_ALLOWED: Explanation(
        "NATS does not allow it",
        "The user of the connector has no permission for the subject, or the server has not accepted the credentials. "
        "See the permissions of the user in the server's configuration or account.",
    ),
    NO_CONSUMER: Explanation(
        "There is no such stream or consumer",
        "A `nats-jetstream` source reads a durable consumer of a stream. The stream must exist: `nats stream ls`. The "
        "consumer must exist, or the source has `create: true`: `nats consumer ls STREAM`. It must be a pull consumer "
        "that asks for explicit acknowledgement. The source looks again after a pause of 1 to 30 seconds.",
    ),
}
