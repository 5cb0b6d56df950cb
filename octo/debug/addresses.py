"""Addresses of blocks: `flow.block`, `flow[error].block`, `flow.composite[branch].block`, as deep as chains nest.

A block is named by its `name`, or by its type, or by the processor that it refers to; a branch by its name, or by its
index in a list. The address that traces and errors show (`BlockDoc.address`) is always valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.config.walk import blocks_of
from octo.core.errors import OctoError
from octo.core.sockets import Steps, sockets
from octo.debug import codes
from octo.expr import nearest

MOST_LISTED = 20

_STEP = re.compile(r"([^.\[]+)(?:\[([^\]]*)\](?:\.|$)|$)")


class AddressError(OctoError):
    """An address that names no block, or several. address: as it was given."""

    code = codes.ADDRESS

    def __init__(self, message: str, address: str = "") -> None:
        super().__init__(message)
        self.address = address


class Branch(NamedTuple):
    """A chain inside a composite. place: its index in a list, "" if it has its own key."""

    name: str
    place: str
    steps: Steps


def resolve(config: Config, address: str) -> BlockDoc:
    """Return the one block that the address names. Raises `AddressError`, which lists the names that exist."""
    exact = [block for doc in config.flows.values() for block in blocks_of(doc) if block.address == address]
    if len(exact) == 1:
        return exact[0]
    try:
        chain, rest = _chain_of_flow(config, address)
        return _descend(chain, rest)
    except AddressError as error:
        raise AddressError(f'"{address}": {error}', address) from None


def branches(block: BlockDoc) -> list[Branch]:
    """The chains inside a block, in the order of its settings."""
    found = []
    for path, socket in sockets(block.settings):
        if isinstance(socket, Steps):
            name = socket.address[len(block.address) + 1 : -1]
            found.append(Branch(name, next((str(each) for each in path if isinstance(each, int)), ""), socket))
    return found


# --- the way down ------------------------------------------------------------------------------------------------


def _chain_of_flow(config: Config, address: str) -> tuple[tuple[BlockDoc, ...], str]:
    """Return the chain that an address begins in, and the rest of the address. The name of a flow may contain dots."""
    for name in sorted(config.flows, key=len, reverse=True):
        rest = address.removeprefix(name)
        if rest != address and rest[:1] in ("", ".", "["):
            return _chain(config.flows[name], rest)
    word = _first_word(address)
    if within := [block for doc in config.flows.values() for block in blocks_of(doc) if block.label == word]:
        raise AddressError(f'an address begins with the name of the flow. Did you mean "{within[0].address}"?')
    raise AddressError(f'no flow "{word}" (flows: {_listed(config.flows)}){_guess(word, config.flows)}')


def _chain(flow: FlowDoc, rest: str) -> tuple[tuple[BlockDoc, ...], str]:
    name, chain = flow.name, flow.process
    if rest.startswith("[error]"):
        if flow.error is None:
            raise AddressError(f'flow "{flow.name}" has no error chain')
        name, chain, rest = f"{name}[error]", flow.error, rest.removeprefix("[error]")
    if not rest.startswith(".") or rest == ".":
        raise AddressError(f"add the name of a block after the flow, as in `{name}.BLOCK` (blocks: {_labels(chain)})")
    return chain, rest[1:]


def _descend(chain: tuple[BlockDoc, ...], rest: str) -> BlockDoc:
    while True:
        step = _STEP.match(rest)
        if step is None:
            raise _malformed(chain, rest)
        block = _block(chain, step[1])
        rest = rest[step.end() :]
        if step[2] is None:
            return block
        chain = _branch(block, step[2]).steps.blocks
        if not rest:
            raise AddressError(f"add the name of a block after the branch (blocks: {_labels(chain)})")


def _malformed(chain: tuple[BlockDoc, ...], rest: str) -> AddressError:
    block = _block(chain, _first_word(rest))
    names = [each.name for each in branches(block)]
    if not names:
        return AddressError(f'nothing can follow "{block.label}", which has no branches')
    return AddressError(
        f"add a branch and a block after it, as in `{block.label}[{names[0]}].BLOCK` (branches: {_listed(names)})"
    )


def _first_word(text: str) -> str:
    return re.split(r"[.\[]", text, maxsplit=1)[0]


def _block(chain: tuple[BlockDoc, ...], word: str) -> BlockDoc:
    for name_of in _NAMES:
        found = [block for block in chain if word and name_of(block) == word]
        if len(found) == 1:
            return found[0]
        if found:
            places = ", ".join(f"{block.address} (line {block.at.line})" for block in found[:MOST_LISTED])
            raise AddressError(f'{len(found)} blocks in that chain match "{word}": {places}')
    raise AddressError(f'no block "{word}" in that chain (blocks: {_labels(chain)}){_guess(word, map(_own, chain))}')


def _own(block: BlockDoc) -> str:
    """The name of a block that is unique in its chain: its label, with a number from the second one on."""
    number = re.search(r"#\d+$", block.address)
    repeated = number is not None and block.address.endswith(f".{block.label}{number[0]}")
    return f"{block.label}{number[0]}" if number is not None and repeated else block.label


_NAMES: tuple[Callable[[BlockDoc], str], ...] = (
    _own,
    lambda block: block.type.name,
    lambda block: block.ref,
)
"""The names of a block. They are tried in this order, and the first kind with a match decides."""


def _branch(block: BlockDoc, word: str) -> Branch:
    known = branches(block)
    # Names win over indexes: a case may be called "1".
    found = [each for each in known if each.name == word] or [each for each in known if word and each.place == word]
    if found:
        return found[0]
    if not known:
        raise AddressError(f'block "{block.label}" has no branches')
    names = [each.name for each in known]
    raise AddressError(
        f'block "{block.label}" has no branch "{word}" (branches: {_listed(names)}){_guess(word, names)}'
    )


def _labels(chain: Iterable[BlockDoc]) -> str:
    return _listed([_own(block) for block in chain])


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = ", ..." if len(known) > MOST_LISTED else ""
    return (", ".join(known[:MOST_LISTED]) + more) or "none"


def _guess(word: str, known: Iterable[str]) -> str:
    close = nearest(word, known)
    return f'. Did you mean "{close}"?' if close else ""
