"""Error codes of models and of the blocks that ask them."""

from __future__ import annotations

from octo.core.errors import Explanation

REFUSED = "OCTO-L110"
TRUNCATED = "OCTO-L111"
FILTERED = "OCTO-L112"
NOT_JSON = "OCTO-L113"
MISFIT = "OCTO-L114"
NO_LOGIN = "OCTO-L120"
LIMITED = "OCTO-L121"
BROKEN = "OCTO-L122"
MALFORMED = "OCTO-L123"
BAD_REQUEST = "OCTO-L124"
NO_EMBEDDINGS = "OCTO-L125"
NO_END = "OCTO-L130"

EXPLANATIONS: dict[str, Explanation] = {
    REFUSED: Explanation(
        "The model refused",
        "The model declined to answer, and said so. Asking the same again will hardly help. Give the block a `default` "
        "if it has one (the text calls it a guardrail), or handle the error; `vars.ai.text` has what the model said.",
    ),
    TRUNCATED: Explanation(
        "The answer was cut off",
        "The model used up its tokens before it was done, so its answer is not whole. Raise `maxTokens` of the block "
        "or its connector, or ask for less. `vars.ai.text` has what came.",
    ),
    FILTERED: Explanation(
        "The provider's filter stopped the answer",
        "A filter of the provider, and not the model, ended the answer: for safety, recitation or a list of words. "
        "The text of the prompt or of the answer fell under it. `vars.ai.text` has what came before.",
    ),
    NOT_JSON: Explanation(
        "The answer is no JSON",
        "The block needs JSON, and the model answered with something else. Say in the prompt that only JSON is wanted, "
        "give an example or a schema, or use a larger model. `vars.ai.text` has the answer.",
    ),
    MISFIT: Explanation(
        "The answer does not fit the schema",
        "The model answered with JSON that the schema of the block does not allow, also after it was told so. The text "
        "says where. Describe the fields in the schema, raise `repairs`, or use a larger model.",
    ),
    NO_LOGIN: Explanation(
        "The provider does not accept the key",
        "The provider answered 401 or 403: the `apiKey` of the connector is wrong or has ended, or it may not use this "
        "model.",
    ),
    LIMITED: Explanation(
        "The provider has no room",
        "The provider answered 429, 503 or 529, and after the retries of the connector still did. `vars.error.status` "
        "is the last status. Give the connector a `rate` below the provider's limit, more `retries`, or the flow a "
        "source that delivers again.",
    ),
    BROKEN: Explanation(
        "The provider failed",
        "The provider could not be reached, failed with a status of 500 or above, or broke off its answer. The same "
        "message may succeed later.",
    ),
    MALFORMED: Explanation(
        "The answer is not what the provider's API promises",
        "The provider answered with something else than its API says: no JSON, or JSON without an answer in it. With a "
        "`baseURL` of your own, make sure that it speaks the API of this connector.",
    ),
    BAD_REQUEST: Explanation(
        "The provider does not accept the request",
        "The provider answered with a status below 500 that will not change: the model does not exist, the "
        "conversation is too long, or a setting is not allowed for this model. The text has the provider's reason. A "
        "404 without one means that `baseURL` is wrong: it ends where the paths of the API begin, often with `/v1`.",
    ),
    NO_EMBEDDINGS: Explanation(
        "The provider has no embeddings",
        "`ai-embed` needs a connector whose provider makes vectors of texts: `llm-openai`, `llm-gemini`, "
        "`llm-openrouter` or `llm-ollama`.",
    ),
    NO_END: Explanation(
        "The agent did not finish",
        "The agent called its model `maxIterations` times, and the model still wanted to call tools. Raise "
        "`maxIterations`, make the tools answer more, or give the agent a `default`, which the text calls a guardrail. "
        "`vars.ai.history` has the conversation.",
    ),
}
