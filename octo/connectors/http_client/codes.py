"""The errors of the http-client connector: stable codes, and their pages for `octo explain`."""

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
REDIRECT = "OCTO-H161"
PRIVATE = "OCTO-H162"
PROXY = "OCTO-H163"
BAD_PATH = "OCTO-H164"
UNEXPECTED = "OCTO-H165"
BAD_AUTH = "OCTO-H166"
BAD_BODY = "OCTO-H167"
NOT_ALLOWED = "OCTO-H168"
CIRCLE = "OCTO-H169"
BAD_LINK = "OCTO-H170"
TOO_MANY = "OCTO-H171"
NO_ITEMS = "OCTO-H172"

EXPLANATIONS: dict[str, Explanation] = {
    REFUSED: Explanation(
        "The server refused the request",
        "It answered with a status of 4xx: the same request would be refused again. The status is in "
        "`vars.statusCode`, also in the error path. With `failOnError: false` such an answer is an ordinary result.",
    ),
    UNAVAILABLE: Explanation(
        "The server could not answer now",
        "It answered with a status of 5xx, or with 408, 425 or 429. After 429, 502, 503 or 504 the request was "
        "repeated as the connector's `retry` says, unless it may change something: POST and PATCH are repeated only "
        "with an `Idempotency-Key` header, or if `retry.methods` lists them. The last answer is reported. The same "
        "request may succeed later.",
    ),
    UNREACHABLE: Explanation(
        "No connection",
        "The server's name could not be resolved, no server or proxy listens there, or the answer is not whole: the "
        "connection broke, or its compressed data ends too early or is damaged. Then the server may still have carried "
        "out the request.",
    ),
    TOO_SLOW: Explanation(
        "No answer in time",
        "The whole answer did not arrive within the connector's `timeout`. The connection was closed. The server may "
        "still have carried out the request.",
    ),
    TOO_LARGE: Explanation(
        "Answer too large",
        "The answer is larger than the connector's `maxResponseBytes`. It is never cut, because half a document is of "
        "no use. Raise the limit, or ask for less (pages, fields).",
    ),
    BAD_HEADER: Explanation(
        "Not a header value",
        "An expression under `headers`, or the content type of a raw body, is a text with line breaks, other control "
        "characters or half characters. Sent as it is, it could add further headers to the request.",
    ),
    NOT_IN_CHARSET: Explanation(
        "A text cannot be written in its charset",
        "The content type of the request names a charset that lacks a character of the text, or that is not known; or "
        "a query parameter has half a character, which no charset has. "
        "Octo never replaces a character by a question mark. Send UTF-8, or replace the character in the flow.",
    ),
    TOKEN: Explanation(
        "No access token",
        "The server at `auth.tokenURL` gave no token for the client's id and secret; the message has its answer. With "
        "400 or 401 the credentials or the scopes are wrong.",
    ),
    TLS: Explanation(
        "Certificate not accepted",
        "The server's certificate has expired, is for another name, or is signed by an authority that this machine "
        "does not know. For an authority of your own, name its certificate in `tls.ca`.",
    ),
    BAD_EXCHANGE: Explanation(
        "The exchange failed",
        "The server's answer is not valid HTTP, is not in the encoding that it names or in one that was not asked for, "
        "redirects in circles or to an invalid address, or the address of the request cannot be used.",
    ),
    NO_ANSWER: Explanation(
        "The stub has no answer",
        "In a test, the flow sent a request that none of its stub's `answers` fits. The message shows the request, the "
        "nearest answer, and why that does not fit. Add an answer, or change the flow if it should not send this.",
    ),
    REDIRECT: Explanation(
        "A redirect that is not followed",
        "The server sends the request to another address, to which it must not go: from `https` to `http`, where "
        "everyone on the way can read and change it; to another server with a body or as a POST, PUT, PATCH or DELETE; "
        "or to any other server, if `followRedirects` is `same-origin`. If the new address is right, write it as "
        "`baseURL`.",
    ),
    PRIVATE: Explanation(
        "An address that is not public",
        "The server's name, or the address that a redirect leads to, belongs to this machine or to a private network. "
        "A stranger's server could reach services there in Octo's name. If that is wanted, write the server as "
        "`baseURL`, or set the connector's `privateAddresses: allow`.",
    ),
    PROXY: Explanation(
        "The proxy does not let the request through",
        "The proxy of the connector's `proxy.url`, or of the environment's HTTP_PROXY or HTTPS_PROXY, refused to "
        "connect to the server, does not accept the user and password, or its address cannot be used. To call a server "
        "without it, list that in `proxy.bypass` or NO_PROXY; `proxy.fromEnv: false` leaves the environment's out.",
    ),
    BAD_PATH: Explanation(
        "Not a path below the base",
        "A value in the `path` of a request is null, empty or no text, or the path would lead out of the connector's "
        "`baseURL`: it has a segment `..`, or is an address of its own. Nothing was sent. Check the value first, e.g. "
        "with `if`, or answer the caller with 400.",
    ),
    UNEXPECTED: Explanation(
        "An answer with another status",
        "The server answered with a status below 400 that the block's `expect` does not list. Add it, if the flow can "
        "go on with such an answer.",
    ),
    BAD_AUTH: Explanation(
        "Credentials that cannot be sent",
        "The `auth` of a block is no text of one line, or its connector has an `auth` of its own: then nobody could "
        "say which of the two the server gets. Remove one of them, or use two connectors.",
    ),
    BAD_BODY: Explanation(
        "A body that is not of its `bodyType`",
        "`form` and `multipart` send a map, `raw` a text, bytes or raw content. The message says what the expression "
        "under `body` gave. For other values leave `bodyType` out: they are sent as JSON.",
    ),
    NOT_ALLOWED: Explanation(
        "A message asks for what it may not",
        "The method, path or a header that a message chose for `rest-dynamic` is not among those that the block "
        "allows: see `allowMethods` and `pathPrefix`. Nothing was sent.",
    ),
    CIRCLE: Explanation(
        "Pages without end",
        "The server named a page as the next that had been there before, or gave the same page twice. Often it ignores "
        "the parameter that `follow` sends: see the server's documentation for its name, and whether it counts from 0 "
        "or 1.",
    ),
    BAD_LINK: Explanation(
        "No next page can be asked for",
        "What names the next page is no address of HTTP, or leads where the request must not go: from `https` to "
        "`http`, to another server with a body or as another method than GET, or to any other server if "
        "`followRedirects` is `same-origin`. If `next` is a number or a token, it is a `cursor`.",
    ),
    TOO_MANY: Explanation(
        "More pages than allowed",
        "There are more pages or items than `maxPages` and `maxItems` of `follow` allow, or the items of all pages "
        "have more than 64 MiB together. The result is never cut, unless `onLimit: stop` says so. Raise the limit, or "
        "take each page with a chain under `each`.",
    ),
    NO_ITEMS: Explanation(
        "A page without a list",
        "`follow` joins the items of all pages, and this answer is no list. Say under `items` where the list is, e.g. "
        "`items: body.data`.",
    ),
}
