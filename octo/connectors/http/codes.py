"""The errors of the http connector: stable codes, and their pages for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

PORT_BUSY = "OCTO-H101"
NO_ADDRESS = "OCTO-H102"
TLS = "OCTO-H103"
DEAF = "OCTO-H104"
NO_STATUS = "OCTO-H105"
NOT_TEXT = "OCTO-H106"
NO_HEADER = "OCTO-H107"
NO_STREAM = "OCTO-H108"
NOBODY = "OCTO-H109"
NO_EVENT = "OCTO-H110"

EXPLANATIONS: dict[str, Explanation] = {
    PORT_BUSY: Explanation(
        "Port in use",
        "Another process listens at the connector's address, or at the same port of all addresses. Stop it (the error "
        "names it if it is yours; otherwise `ss -ltnp` does), or give the connector another `port`; `port: 0` takes "
        "any free one. Only the processes of one `octo run --processes N` share a port.",
    ),
    NO_ADDRESS: Explanation(
        "Cannot listen at this address",
        "The operating system refused the connector's `host` and `port`: the host is not an address of this machine, "
        "or the port is privileged (below 1024) and the process may not use it.",
    ),
    TLS: Explanation(
        "Certificate or key cannot be used",
        "`tls.cert` and `tls.key` must name readable PEM files: the certificate, followed by its chain, and its "
        "unencrypted private key.",
    ),
    DEAF: Explanation(
        "The socket no longer listens",
        "The listening socket of the connector is gone although the connector is open. `/readyz` reports it, so that "
        "an orchestrator can restart the process; the log says what happened before.",
    ),
    NO_STATUS: Explanation(
        "The flow chose no status",
        '`vars.httpStatus` is set, but not to a status: a whole number from 200 to 599, or the text of one (`"404"`). '
        "The caller gets 500 instead of an answer that looks like a success. Set the variable to a number, or do not "
        "set it: without it the status is 200. To end a request without a body, set 204.",
    ),
    NOT_TEXT: Explanation(
        "The response cannot be written in its charset",
        "The content type of the raw body names a charset that lacks a character of `rawData`. The caller gets 500. "
        "Write `charset=utf-8`, or leave the charset out.",
    ),
    NO_HEADER: Explanation(
        "The value of a response header could not be computed",
        "An expression under `responseHeaders` or `setCookies` of the source failed on the message that the flow ended "
        "with. The caller gets 500; the log has the error. Test for what may be missing: "
        '`has(body.id) ? "/orders/" + body.id : null` sends no header where there is no id.',
    ),
    NO_STREAM: Explanation(
        "No stream to send the event to",
        "`sse-event` needs the address of a stream, `<connector>:<id>`. An `http` source with `sse: {enabled: true}` "
        "sets it as `vars.sseStream`, also for the flows that its flow calls. Other flows get it as a part of their "
        "message, and name it with `stream:`.",
    ),
    NOBODY: Explanation(
        "Nobody listens to the stream",
        "The client has gone, or the stream was closed, and the block has `ifClosed: error`. With `stop` the flow ends "
        "here as completed, with `ignore` it goes on. A stream lives in the process that took the request: under "
        "`octo run --processes N` other processes do not know it.",
    ),
    NO_EVENT: Explanation(
        "What an event cannot hold",
        "The `id` of an event is one line of text. Only its data may have line breaks.",
    ),
}
