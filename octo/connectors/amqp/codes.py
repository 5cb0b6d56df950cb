"""The codes of AMQP errors, explained: `octo explain OCTO-A101`."""

from __future__ import annotations

from octo.core.errors import Explanation

UNREACHABLE = "OCTO-A101"
REFUSED_LOGIN = "OCTO-A102"
NOT_THERE = "OCTO-A103"
OTHERWISE = "OCTO-A104"
UNROUTABLE = "OCTO-A105"
REFUSED = "OCTO-A106"
NOT_ALLOWED = "OCTO-A107"
BLOCKED = "OCTO-A108"
NO_GRAVE = "OCTO-A109"

EXPLANATIONS: dict[str, Explanation] = {
    UNREACHABLE: Explanation(
        "The broker cannot be reached",
        "No AMQP 0.9.1 broker answers at the address of `url`, or its certificate is not trusted. Check host and port "
        "(5672, with `amqps` 5671), that the broker runs, and `tls.ca`. At start the configuration then does not run; "
        "later the connector is opened again, with pauses of 1 to 30 seconds, until that succeeds.",
    ),
    REFUSED_LOGIN: Explanation(
        "The broker refuses this login",
        "The broker answered, but refused the user, the password or the virtual host. `rabbitmqctl list_users`, "
        "`list_vhosts` and `list_permissions --vhost NAME` show what there is. RabbitMQ's user `guest` may log in from "
        "the same machine only.",
    ),
    NOT_THERE: Explanation(
        "The queue or exchange is not there",
        "An `amqp` source reads a queue that must exist, unless the source has `declare`: then it makes the queue. A "
        "queue may also have been deleted while it was read; its messages went with it. An exchange must exist, "
        "unless a binding with a `type` makes it; nothing was published. A source looks again after a pause of 1 to "
        "30 seconds.",
    ),
    OTHERWISE: Explanation(
        "The queue or exchange was made otherwise",
        "`declare` makes a queue, or an exchange, that is not there; one that is there must have the same type, "
        "durability and arguments. The text says what differs. Change `declare`, remove it to use the queue as it is, "
        "or delete the queue once it is empty.",
    ),
    UNROUTABLE: Explanation(
        "The exchange takes the message to no queue",
        "The exchange has no binding that fits the routing key, so the broker would have dropped the message; it has "
        "handed it back instead. Bind a queue, correct the routing key, or set `mandatory: false` if it may be that "
        "nobody listens.",
    ),
    REFUSED: Explanation(
        "The broker does not take the message",
        "The broker answered that it does not keep the message: a queue is full (`x-overflow: reject-publish`), or too "
        "few nodes of its cluster run. The same message may succeed later.",
    ),
    NOT_ALLOWED: Explanation(
        "The broker does not allow it",
        "The user of the connector may log in, but lacks a permission: `configure` to make queues and exchanges, "
        "`write` to publish and bind, `read` to consume. See `rabbitmqctl list_permissions --vhost NAME`.",
    ),
    BLOCKED: Explanation(
        "The broker takes no messages at the moment",
        "The broker has an alarm, as its memory or disk is nearly full, and reads nothing from those who publish. "
        "Publishing waits within its `timeout` and then fails as transient; consuming goes on. "
        "`rabbitmq-diagnostics alarms` shows the alarm.",
    ),
    NO_GRAVE: Explanation(
        "A dead letter could not be kept",
        "A message failed for good, the flow has no `deadLetter`, and the dead-letter exchange or queue of the source "
        "has not taken it. The message is not acknowledged: it stays in its queue, and the source tries again. Give "
        "the flow a `deadLetter`, bind a queue to `deadLetterExchange`, or let the user make queues.",
    ),
}
