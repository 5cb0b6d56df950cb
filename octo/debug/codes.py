"""What can be wrong with addresses, mocks and debug configurations, for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

ADDRESS = "OCTO-B101"
MOCK = "OCTO-B102"
UNMATCHED = "OCTO-B103"
NOT_HELD = "OCTO-B104"
FAILED = "OCTO-B105"

EXPLANATIONS = {
    ADDRESS: Explanation(
        "No such block",
        "The address of a spy, a mock or a breakpoint names no block, names several, or lies inside a block that is "
        "mocked. An address is `flow.block`, deeper `flow.composite[branch].block`, in an error chain "
        "`flow[error].block`. A block is found by its `name`, or by its type, or by the processor it refers to; the "
        "second block of the same name is `name#2`. Wrong: `orders.check.charge`. Right: `orders.check[then].charge`.",
    ),
    MOCK: Explanation(
        "A mock that says too little or too much",
        "A mock has `cases`, a `default`, or both. A case has `when` and exactly one of `body`, `error` and `drop`; "
        "the default has no `when`. `vars` is allowed only with `body`. `body: null` returns null. Wrong: "
        "`{default: {vars: {a: 1}}}`. Right: `{default: {body: {}, vars: {a: 1}}}`.",
    ),
    UNMATCHED: Explanation(
        "No case of a mock matched",
        "A mocked block got a message for which the `when` of no case is true, and the mock has no default. Add a "
        "`default`, or a case for this message.",
    ),
    NOT_HELD: Explanation(
        "The message does not wait any more",
        "A message that waited at a breakpoint has gone on: somebody else let it, its breakpoint was removed, or who "
        "sent it no longer waits for an answer. `GET /debug` lists those that wait.",
    ),
    FAILED: Explanation(
        "Failed at a breakpoint",
        "Somebody who debugs the flow has let the message fail in front of this block, to see what happens then. "
        "Error chains and retries treat it as an error of the block.",
    ),
}
