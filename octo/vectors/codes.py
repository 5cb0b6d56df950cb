"""The codes of vector stores, explained: `octo explain OCTO-W101`."""

from __future__ import annotations

from octo.core.errors import Explanation

RECORD = "OCTO-W101"
DIMENSION = "OCTO-W102"
FILTER = "OCTO-W103"
STORE = "OCTO-W104"
BUSY = "OCTO-W105"

EXPLANATIONS: dict[str, Explanation] = {
    RECORD: Explanation(
        "A record does not fit into a vector store",
        "A record is a map with a `vector`, a list of numbers of which one is not zero. It may have an `id`, a `text`, "
        "and metadata: texts, numbers, booleans and lists of texts. Without an `id` it gets one that is made of its "
        "text. Pieces of `chunk` fit as they are; give their vectors under `vectors`, in the same order.",
    ),
    DIMENSION: Explanation(
        "A vector has the wrong length",
        "All vectors of a store have the length that its connector has under `dimension`, which is that of the model "
        "that makes them. Vectors of two models cannot be compared: use the same `ai-embed` model to write and to "
        "ask, and another table, collection or index for another model.",
    ),
    FILTER: Explanation(
        "The filter cannot be understood",
        'A filter is a map of metadata fields. `{"lang": "en"}` asks for equality; `{"year": {"$gte": 2024}}` uses an '
        "operator: `$eq`, `$ne`, `$in`, `$nin`, and for numbers `$gt`, `$gte`, `$lt`, `$lte`. All conditions must "
        "hold. Names of fields have letters, digits, `_` and `-`.",
    ),
    STORE: Explanation(
        "The vector store cannot be used as it is",
        "The text says why: a library or extension is missing, the table has another dimension or metric than the "
        "connector's settings, or the user lacks a right. For `vector-sqlite` install `octo-flows[vectors]`, for "
        "`pgvector` install `octo-flows[postgres]` here and the extension `vector` in the database.",
    ),
    BUSY: Explanation(
        "The vector store cannot do it right now",
        "Another process holds the lock of the file, or the server is restarting or out of connections. The same "
        "message may succeed later.",
    ),
}
