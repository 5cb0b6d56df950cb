"""What can go wrong with a service: stable codes, and their pages for `octo explain`."""

from __future__ import annotations

from octo.core.errors import Explanation

NOT_STARTED = "OCTO-P101"
UNKNOWN = "OCTO-P102"
LIMIT = "OCTO-P110"
MISSING = "OCTO-P111"
NO_COUNTER = "OCTO-P112"
FULL = "OCTO-P113"
DAMAGED = "OCTO-P114"
STORE = "OCTO-P115"
PLACE = "OCTO-P116"
SERVER = "OCTO-P117"
UNORDERED = "OCTO-P118"
LACKING = "OCTO-P119"
CONFLICT = "OCTO-P120"
UNREADABLE = "OCTO-P131"
KEYS = "OCTO-P132"
SEALED = "OCTO-P133"
LOST = "OCTO-P121"
LAGGED = "OCTO-P122"
REJECTED = "OCTO-P123"

EXPLANATIONS: dict[str, Explanation] = {
    NOT_STARTED: Explanation(
        "A service did not start",
        "A flow or a connector asks for a service (key-value, queues, ...), and its provider could not be opened: a "
        "server that is down, a file that cannot be written. The text says which. When this happens during a reload, "
        "the old flows keep running.",
    ),
    UNKNOWN: Explanation(
        "No such service",
        "A block, a source or a connector asks for a service by the annotation of a parameter, and no provider "
        "offers it here. The message names the available services. If a package defines a service of its own, pass "
        "a provider of it where Octo is started.",
    ),
    LIMIT: Explanation(
        "Beyond the limits of services",
        "A key or a name has 1 to 512 bytes in UTF-8 and no NUL, a namespace 1 to 64 lower-case letters, digits, `-` "
        "and `_`; a value is what a body may be, nested at most 1,000 deep, and takes at most 1 MiB. These limits are "
        "the same for every provider, so that a flow that works with one works with all.",
    ),
    MISSING: Explanation(
        "There is no such secret or resource",
        "The provider does not know the name. Look for a typing error, and for a missing mount or file.",
    ),
    NO_COUNTER: Explanation(
        "The value is no counter",
        "Only whole numbers between -2^63 and 2^63-1 can be incremented, and the sum must be in this range too. If "
        "another value was written under the key, use another key for the counter.",
    ),
    FULL: Explanation(
        "The service is full",
        "Services in memory hold a limited number of entries and bytes, so that they cannot use up the memory of the "
        "process. Let entries expire (`ttl`), read the queue faster, or use a provider that keeps its data on disk. A "
        "store on disk is full when the disk is: make room, and the next message succeeds.",
    ),
    DAMAGED: Explanation(
        "The store is damaged",
        "The file of the store is not as it was written: a byte has changed, or a part is missing. Octo looks at every "
        "value when it opens the store and refuses to start on a damaged one, because it cannot know what is lost. "
        "Restore the folder from a backup. What can still be read of it, `sqlite3 octo.db .recover` writes out; to "
        "begin with an empty store, move the files `octo.db*` away.",
    ),
    STORE: Explanation(
        "The store did not write",
        "SQLite refused to write to the store; the text says why. Nothing was written, and the message is tried again "
        "where its source can do that. Look at the permissions of the folder, and for a process that holds the file.",
    ),
    PLACE: Explanation(
        "No place for services",
        "`OCTO_SERVICES` says where services keep what they hold: a URL for all of them, then those of single ones, "
        "separated by commas. Wrong: `OCTO_SERVICES=sqllite:octo.db`. Right: "
        "`OCTO_SERVICES=sqlite:///var/lib/octo/octo.db,topics=memory:` or "
        "`OCTO_SERVICES=postgresql://octo:password@db.example.com/app?schema=octo` or "
        "`OCTO_SERVICES=redis://octo:password@redis.example.com/0?prefix=octo` or "
        "`OCTO_SERVICES=nats://octo:password@nats.example.com/octo`. "
        "`OCTO_SERVICES=platform:` is for what the platform has deployed, which gets the address and a token from it.",
    ),
    SERVER: Explanation(
        "The server of the services did not do it",
        "Queues, keys, leases or topics are on a server (`OCTO_SERVICES`) that refused the connection, did not answer "
        "in time, or reported an error; the text says which. What was asked for may have been done or not, and the "
        "message is tried again where its source can do that. Octo connects again by itself: look at the server, the "
        "network, the user's rights, and the number of connections that it allows.",
    ),
    UNORDERED: Explanation(
        "These queues keep no order",
        "A message has an ordering key (`orderingKey` of `queue-dispatch`), and the queues of this deployment "
        "(`OCTO_SERVICES`) cannot give the messages of a key out one after the other. Keep the queues in a place that "
        "can, e.g. `OCTO_SERVICES=nats://...,queues=postgresql://...`, or send without an ordering key.",
    ),
    LACKING: Explanation(
        "The platform does not offer this",
        "Services are in the data plane of the platform (`OCTO_SERVICES=platform:`), and the platform there is older "
        "than this Octo, or is another program: it lacks what the text names. Update the platform, then the image of "
        "the runtime; or name another place for the services in the environment of the deployment.",
    ),
    UNREADABLE: Explanation(
        "A secret or a resource cannot be read",
        "The file is there, but the process may not read it, or it is not text in UTF-8. Look at the owner and the "
        "mode of the file: the user that Octo runs as must be allowed to read it.",
    ),
    KEYS: Explanation(
        "The keys of the secrets are missing or wrong",
        "An encrypted file of secrets (`OCTO_SERVICES=...,secrets=encrypted:FILE`) is opened with the keys in the "
        "variable `OCTO_SECRETS_KEYS`, or in the file that `OCTO_SECRETS_KEY_FILE` names: one in each line, the newest "
        "first, as `octo secrets keygen` prints them. Each secret names the key it was written with. If a key was "
        "taken away too early, bring it back, run `octo secrets rotate`, and then take it away.",
    ),
    SEALED: Explanation(
        "The encrypted secrets are not as they were written",
        "The file was changed by something other than `octo secrets`: a byte has changed, its end is missing, or "
        "secrets were moved, renamed or removed. None of them is used, because whoever can change one may have changed "
        "others. Restore the file from a backup or from version control.",
    ),
    CONFLICT: Explanation(
        "Another write was faster",
        "A write expects the entry to have a certain version, but another write has changed the entry since. Read it "
        "again and decide anew; the same message may succeed later.",
    ),
    LOST: Explanation(
        "A lease or a message was held too long",
        "A lease, or a message that was received from a queue, was held for longer than agreed without being "
        "extended, so another holder may have it by now. Stop working on it: the other holder does. If it happens "
        "often, the lease is too short for the work.",
    ),
    LAGGED: Explanation(
        "A subscriber fell too far behind",
        "More events were published than a topic keeps for a subscriber, so this subscriber has missed the oldest. "
        "It goes on with the oldest event left. Handle events faster, or use a queue, which keeps every message.",
    ),
    REJECTED: Explanation(
        "The request was rejected",
        "The receiver of the request put it among the dead letters instead of replying; the message gives the reason.",
    ),
}
