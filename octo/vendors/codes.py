"""The codes of calls to vendors, explained: `octo explain OCTO-W121`."""

from __future__ import annotations

from octo.core.errors import Explanation

UNREACHABLE = "OCTO-W121"
TOO_SLOW = "OCTO-W122"
KEY = "OCTO-W123"
LIMIT = "OCTO-W124"
REFUSED = "OCTO-W125"
FAILED = "OCTO-W126"
UNREADABLE = "OCTO-W127"
TOO_LARGE = "OCTO-W128"

EXPLANATIONS: dict[str, Explanation] = {
    UNREACHABLE: Explanation(
        "A vendor cannot be reached",
        "No connection was made, or it broke before the whole answer was there. Look at the network, at a proxy "
        "(`HTTPS_PROXY`), and at the address if the connector has one. The same message may succeed later, unless the "
        "certificate of the server cannot be trusted: then name its authority under `tls: {ca: ...}`.",
    ),
    TOO_SLOW: Explanation(
        "A vendor took too long",
        "The answer was not there within `timeout` of the connector. It is not asked again by itself, because that "
        "would double the wait.",
    ),
    KEY: Explanation(
        "A vendor refuses the key",
        "The answer has status 401 or 403: the `apiKey` is wrong, has expired, or may not do this. Octo never shows "
        "the key. Look at where it comes from, for instance an environment variable that is not set.",
    ),
    LIMIT: Explanation(
        "A vendor's limit is reached",
        "The answer has status 429, or one that says that the plan is used up, and had it also after further attempts "
        "(`maxAttempts`), with the pauses that the vendor asked for. Send less at once: `throttle`, or fewer "
        "`workers`. The same message may succeed later.",
    ),
    REFUSED: Explanation(
        "A vendor refuses the request",
        "The answer has a status of 400 to 499 and says why. The same message would be refused again.",
    ),
    FAILED: Explanation(
        "A vendor failed",
        "The answer has a status of 500 or above, also after further attempts (`maxAttempts`). The same message may "
        "succeed later.",
    ),
    UNREADABLE: Explanation(
        "The answer of a vendor cannot be read",
        "It is not JSON, or not of the form that the vendor's API describes. Often something else has answered: a "
        "proxy, a page to log in, or the server of another product at this address.",
    ),
    TOO_LARGE: Explanation(
        "The answer of a vendor is too large",
        "An answer may have at most 16 MiB. Ask for less: a smaller `top` or `limit`, fewer ids or pages at once.",
    ),
}
