"""The codes of Redis errors, explained: `octo explain OCTO-V101`."""

from __future__ import annotations

from octo.core.errors import Explanation

UNREACHABLE = "OCTO-V101"
REFUSED_LOGIN = "OCTO-V102"
REFUSED = "OCTO-V103"
NOT_NOW = "OCTO-V104"
NO_GROUP = "OCTO-V105"
TRIMMED = "OCTO-V106"

EXPLANATIONS: dict[str, Explanation] = {
    UNREACHABLE: Explanation(
        "Redis cannot be reached",
        "The server refused the connection, closed it, or did not answer in time (`timeout` of the connector). What "
        "was asked for may have been done or not. Look at the server, the network and the `url`. Sources are opened "
        "again by themselves.",
    ),
    REFUSED_LOGIN: Explanation(
        "Redis refuses the user or the password",
        "See the user and the password in the `url`; characters such as `@` and `/` are written `%40` and `%2F` in it. "
        "A server with `requirepass` has the user `default`: `redis://:password@host:6379/0`.",
    ),
    REFUSED: Explanation(
        "Redis refuses a command",
        "The server has reported an error that the same message would meet again: a key holds another type than the "
        "command is for (WRONGTYPE), an argument is missing, or the user lacks a right (NOPERM).",
    ),
    NOT_NOW: Explanation(
        "Redis cannot do it right now",
        "The server answers, and refuses to write or to read for now: its memory is full (OOM), it is a replica "
        "(READONLY), it reads its file after a start (LOADING), or it cannot save (MISCONF). The same message may "
        "succeed later.",
    ),
    NO_GROUP: Explanation(
        "There is no such stream or consumer group",
        "A `redis-stream` source reads a consumer group of a stream. With `create: never` it must exist: `XGROUP "
        "CREATE STREAM GROUP 0 MKSTREAM`. If it was removed while the source ran, the source makes it again after a "
        "pause, and begins where `create` says.",
    ),
    TRIMMED: Explanation(
        "Entries are gone before they were worked on",
        "Entries that were delivered to a consumer and not finished have been removed from the stream, by `MAXLEN` of "
        "whoever writes, `XTRIM` or `XDEL`. They are lost. Keep the stream longer, or work faster.",
    ),
}
