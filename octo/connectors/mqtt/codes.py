"""The codes of MQTT errors, explained: `octo explain OCTO-M101`."""

from __future__ import annotations

from octo.core.errors import Explanation

REFUSED = "OCTO-M101"
TOO_LARGE = "OCTO-M102"
NO_HEADERS = "OCTO-M103"
NOT_ALLOWED = "OCTO-M104"

EXPLANATIONS: dict[str, Explanation] = {
    REFUSED: Explanation(
        "The broker refuses a message or a subscription",
        "The text has the reason that the broker gives (MQTT 5 reason codes). `Not authorized`: see the rules of the "
        "broker for this user. `Quota exceeded`, `Server busy`: the same message may succeed later.",
    ),
    TOO_LARGE: Explanation(
        "A message is too large for MQTT",
        "The broker refuses packets above a size (`max_packet_size` of Mosquitto), and the protocol those above "
        "256 MiB. Keep large content elsewhere and send where it is, or raise the limit.",
    ),
    NO_HEADERS: Explanation(
        "MQTT 3.1.1 has no headers",
        "`mqtt-publish` has `headers`, `contentType` or `expiry`, which only version 5 of the protocol can carry. "
        "Remove them, or the connector's `version: 3.1.1`.",
    ),
    NOT_ALLOWED: Explanation(
        "The broker does not let the connector in",
        "The broker refuses the user, the password or the client id. Check `url`, `username`, `password` and "
        "`clientId`; the error never has the password.",
    ),
}
