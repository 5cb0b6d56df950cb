"""Error codes of scripted models."""

from __future__ import annotations

from octo.core.errors import Explanation

NO_REPLY = "OCTO-Y111"
NOT_AS_WANTED = "OCTO-Y112"
NO_VECTOR = "OCTO-Y113"

EXPLANATIONS: dict[str, Explanation] = {
    NO_REPLY: Explanation(
        "The script has no reply",
        "The model was asked, and no reply of its script fits: those without `when` are given once each, in their "
        "order; those with `when` only while it is true. The message says which reply is the nearest and why it "
        "was not given. Add a reply, raise its `times`, or begin again with `repeat: true`.\n\n"
        "  stubs: {llm: {replies: [{calls: [{tool: lookup, arguments: {id: 7}}]}, {json: {found: true}}]}}",
    ),
    NOT_AS_WANTED: Explanation(
        "The model was not asked as the script wants",
        "A condition under `that` of a scripted reply is false for the request that gets the reply. It is about "
        "`request`: its `system`, `messages`, `text`, `results`, `tools` and more. Mend the flow, or the condition.",
    ),
    NO_VECTOR: Explanation(
        "The script has no vector for a text",
        "`embeddings` of the stub lists vectors by text, and this text is not among them. Add it, or write "
        "`embeddings: hash`, which makes a vector of any text.",
    ),
}
