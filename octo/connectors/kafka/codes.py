"""The codes of Kafka errors, explained: `octo explain OCTO-K101`."""

from __future__ import annotations

from octo.core.errors import Explanation

UNREACHABLE = "OCTO-K101"
REFUSED = "OCTO-K102"
NO_TOPIC = "OCTO-K103"
UNFIT = "OCTO-K104"
UNACKNOWLEDGED = "OCTO-K105"
STOPPED = "OCTO-K106"
NO_OFFSET = "OCTO-K107"
NO_PACKAGE = "OCTO-K108"
FENCED = "OCTO-K109"

EXPLANATIONS: dict[str, Explanation] = {
    UNREACHABLE: Explanation(
        "No broker of the Kafka cluster answers",
        "None of the `brokers` could be reached, or none answered in time. Check host and port, and whether the "
        "brokers want TLS: one that does closes a plain connection. A broker tells clients the addresses of all others "
        "(`advertised.listeners`): those must be reachable from here, too. Octo goes on trying; nothing is lost "
        "meanwhile.",
    ),
    REFUSED: Explanation(
        "The Kafka cluster refuses this client",
        "The user or password is wrong, the certificate is not trusted, or the user may not do this with this topic "
        "or group. The text is the broker's. Check `sasl` and `tls` of the connector, and the access lists of "
        "the cluster.",
    ),
    NO_TOPIC: Explanation(
        "There is no such Kafka topic",
        "The cluster has no topic of this name, or the user may not see it. Octo creates no topics: a misspelt name "
        "would otherwise be a new topic that nobody reads. Correct the name, or create the topic, e.g. "
        "`kafka-topics.sh --create --topic NAME`. A source that waits for it begins within 30 seconds.",
    ),
    UNFIT: Explanation(
        "Kafka does not take this record",
        "The record is larger than the topic takes (`max.message.bytes`, 1 MiB by default), or its topic, key or a "
        "header has no form that Kafka takes. The same record would be refused again. Send less, e.g. a reference to "
        "where the content is, or raise the limit of the topic.",
    ),
    UNACKNOWLEDGED: Explanation(
        "A record was not acknowledged",
        "The brokers did not confirm within the connector's `deliveryTimeout` that the record is stored by all "
        "replicas that must have it. It may be stored all the same, so who sends again may send twice.",
    ),
    STOPPED: Explanation(
        "A partition of a Kafka topic stands still",
        "The flow failed for good with a record, and there is no place for dead letters: neither has the flow a "
        "`deadLetter`, nor the source a `deadLetterTopic`. Octo skips no record silently, so the partition (with "
        "`order: key`, the key) waits at it. Mend the flow or give it a place for dead letters, then reload or "
        "restart: the record comes again. To skip it, move the group's offset behind it with Kafka's own tools.",
    ),
    NO_OFFSET: Explanation(
        "The consumer group has no place in a partition",
        "The source has `offsetReset: error`, and the group has never read this partition, or the records at its "
        "place were deleted (`retention.ms`). Set the group's offset with Kafka's own tools, or choose `earliest` or "
        "`latest`.",
    ),
    FENCED: Explanation(
        "Another process has this name in the consumer group",
        "Two processes run with the same `instance` and `group`. The group takes the one that came last for the other "
        "one, come back, and shuts that out; its source has stopped for good. Give each process a name of its own, "
        "e.g. from a variable of its environment, and restart.",
    ),
    NO_PACKAGE: Explanation(
        "The package for Kafka is not installed",
        "A `kafka` connector needs confluent-kafka: `pip install 'octo-flows[kafka]'`.",
    ),
}
