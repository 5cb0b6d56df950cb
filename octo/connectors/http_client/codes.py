"""What can go wrong with the http-client connector: stable codes, and their pages for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

REFUSED = "OCTO-H150"
UNAVAILABLE = "OCTO-H151"
UNREACHABLE = "OCTO-H152"
TOO_SLOW = "OCTO-H153"
TOO_LARGE = "OCTO-H154"
BAD_HEADER = "OCTO-H155"
NOT_IN_CHARSET = "OCTO-H156"
TOKEN = "OCTO-H157"  # noqa: S105  the code, not a token
TLS = "OCTO-H158"
BAD_EXCHANGE = "OCTO-H159"
NO_ANSWER = "OCTO-H160"

EXPLANATIONS: dict[str, Explanation] = {
    REFUSED: Explanation(
        "The server refused the request",
        "It answered with a status of 4xx: the same request would be refused again. The status is in "
        "`vars.statusCode`, also in the error path. `failOnError: false` makes such an answer an ordinary result.",
    ),
    UNAVAILABLE: Explanation(
        "The server could not answer now",
        "It answered with a status of 5xx, or with 408, 425 or 429. What may be repeated without harm was repeated as "
        "the connector's `retry` says; the last answer is reported. The same request may succeed later.",
    ),
    UNREACHABLE: Explanation(
        "No connection",
        "The server's name could not be resolved, nobody listens there, or the connection broke before the answer "
        "was complete. If it broke, the server may still have done what was asked.",
    ),
    TOO_SLOW: Explanation(
        "No answer in time",
        "The whole answer did not arrive within the connector's `timeout`. The connection was closed. The server may "
        "still have done what was asked.",
    ),
    TOO_LARGE: Explanation(
        "Answer too large",
        "The answer is larger than the connector's `maxResponseBytes`. It is never cut: half a document is no "
        "document. Raise the limit, or ask for less (pages, fields).",
    ),
    BAD_HEADER: Explanation(
        "Not a header value",
        "An expression under `headers` gave a text with line breaks or other control characters. Sent as it is, it "
        "would add headers of its own to the request.",
    ),
    NOT_IN_CHARSET: Explanation(
        "A text cannot be written in its charset",
        "The content type of the request names a charset that has no such character, or that nobody knows. Nothing is "
        "replaced by a question mark. Send UTF-8, or replace the character in the flow.",
    ),
    TOKEN: Explanation(
        "No access token",
        "The server at `auth.tokenURL` gave no token for the client's id and secret; the message says what it "
        "answered. With 400 or 401 the credentials or the scopes are wrong.",
    ),
    TLS: Explanation(
        "Certificate not accepted",
        "The server's certificate is expired, made for another name, or signed by an authority that this machine does "
        "not know. For an authority of your own give its certificate in `tls.ca`.",
    ),
    BAD_EXCHANGE: Explanation(
        "The exchange made no sense",
        "The server's answer is no HTTP, it redirects in circles or to an address that is none, or the request's own "
        "address cannot be used.",
    ),
    NO_ANSWER: Explanation(
        "The stub has no answer",
        "In a test, the flow sent a request that none of its stub's `answers` fits. The message shows the request and "
        "the nearest answer, and what keeps it from fitting. Add an answer, or change the flow if it should not ask.",
    ),
}
