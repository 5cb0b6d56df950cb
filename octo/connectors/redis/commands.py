"""The commands that `redis-command` may run, their arguments, and their replies.

What is not listed is refused: commands that wait for something (`BLPOP`), change the connection (`SELECT`), stand for
many at once (`MULTI`), look at all keys (`KEYS`), run scripts, or change the server.
"""

from __future__ import annotations

from collections.abc import Sequence

from octo.core.errors import Permanent
from octo.expr import nearest

_READING = """
BITCOUNT BITPOS DBSIZE ECHO EXISTS EXPIRETIME GEODIST GEOHASH GEOPOS GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET
HGETALL HKEYS HLEN HMGET HRANDFIELD HSCAN HSTRLEN HVALS LCS LINDEX LLEN LPOS LRANGE MGET PEXPIRETIME PFCOUNT PING PTTL
RANDOMKEY SCAN SCARD SDIFF SINTER SINTERCARD SISMEMBER SMEMBERS SMISMEMBER SRANDMEMBER SSCAN STRLEN SUNION TIME TTL
TYPE XLEN XPENDING XRANGE XREVRANGE ZCARD ZCOUNT ZDIFF ZINTER ZINTERCARD ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE
ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION
"""
_CHANGING = """
APPEND BITFIELD BITOP COPY DECR DECRBY DEL EXPIRE EXPIREAT GEOADD GEOSEARCHSTORE GETDEL GETEX GETSET HDEL HEXPIRE
HINCRBY HINCRBYFLOAT HMSET HPERSIST HPEXPIRE HSET HSETNX INCR INCRBY INCRBYFLOAT LINSERT LMOVE LMPOP LPOP LPUSH LPUSHX
LREM LSET LTRIM MSET MSETNX PERSIST PEXPIRE PEXPIREAT PFADD PFMERGE PSETEX PUBLISH RENAME RENAMENX RPOP RPOPLPUSH
RPUSH RPUSHX SADD SDIFFSTORE SET SETBIT SETEX SETNX SETRANGE SINTERSTORE SMOVE SPOP SREM SUNIONSTORE TOUCH UNLINK XACK
XADD XDEL XTRIM ZADD ZDIFFSTORE ZINCRBY ZINTERSTORE ZMPOP ZPOPMAX ZPOPMIN ZRANGESTORE ZREM ZREMRANGEBYLEX
ZREMRANGEBYRANK ZREMRANGEBYSCORE ZUNIONSTORE
"""

READING = frozenset(_READING.split())
"""Commands that change nothing."""
CHANGING = frozenset(_CHANGING.split())


def near(name: str) -> str:
    """The command that was meant by a name that is none, "" if nobody knows."""
    return nearest(name, READING | CHANGING) or ""


def argument(position: int, value: object) -> bytes:
    """An argument as bytes. position: counts from 1, for the error."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise Permanent(f"argument {position} has half a character") from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value).encode()
    raise Permanent(
        f"argument {position} is {_kind(value)}, and Redis keeps texts, bytes and numbers; write it as one, e.g. with "
        "`toJson(...)`"
    )


def _kind(value: object) -> str:
    named = {list: "a list", dict: "a map", bool: "a bool", type(None): "null"}
    return named.get(type(value), f"a {type(value).__name__}")


def reply(command: str, found: object) -> object:
    """The reply as a value of expressions."""
    if command == "HGETALL" and isinstance(found, list):
        names = [text(each) for each in found[::2]]
        return {str(name): text(each) for name, each in zip(names, found[1::2], strict=True)}
    return _plain(found)


def _plain(found: object) -> object:
    if isinstance(found, list):
        return [_plain(each) for each in found]
    return text(found) if isinstance(found, bytes) else found


def text(data: object) -> object:
    """Bytes as a text, if they are one."""
    if not isinstance(data, bytes):
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def pairs(flat: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Field and value, from a list in which they take turns."""
    return list(zip(flat[::2], flat[1::2], strict=True))
