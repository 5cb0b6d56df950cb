"""Chains: an ordered list of blocks compiled into one processor.

A chain runs as plain calls for as long as its blocks return outcomes. At the first block that returns an awaitable it
becomes a coroutine, which goes back to plain calls for the blocks that follow.
"""

from __future__ import annotations

import asyncio
import inspect

from octo.core import deadline
from octo.core.errors import Bug
from octo.core.flow import Drop, Failure, Halt, Outcome, Processor, Result, Stop
from octo.core.message import Message
from octo.engine.step import Step


def chain(steps: tuple[Step, ...]) -> Processor:
    """Return a processor that runs the steps in order. An empty chain returns the message unchanged."""
    return _Chain(steps).run


class _Chain:
    __slots__ = ("steps",)

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps

    def run(self, message: Message, start: int = 0) -> Result:
        step = None
        try:
            for index, step in enumerate(self.steps[start:] if start else self.steps, start):
                result = step.call(message)
                if result.__class__ is Message:
                    message = result
                elif result.__class__ is Drop or result.__class__ is Stop:
                    return result
                else:
                    return self.resume(result, index, message)
        except Failure as failure:
            assert step is not None
            step.passed(failure)
            raise
        except _OURS:
            raise
        except BaseException as error:
            assert step is not None
            raise step.failed(_harmless(error), message) from error
        return message

    async def resume(self, waiting: object, index: int, message: Message) -> Outcome:
        """Go on from a step that waits.

        Each such step nests the coroutine one level deeper; chains are short enough for that.
        """
        step = self.steps[index]
        try:
            outcome = _outcome(await waiting if inspect.isawaitable(waiting) else waiting)
        except Failure as failure:
            step.passed(failure)
            raise
        except asyncio.CancelledError:
            deadline.interrupted(step, message)
            raise
        except (*_OURS, GeneratorExit):
            raise
        except BaseException as error:
            raise step.failed(_harmless(error), message) from error
        if not isinstance(outcome, Message):
            return outcome
        result = self.run(outcome, index + 1)
        return result if isinstance(result, Outcome) else await result


_OURS = (asyncio.CancelledError, Halt)
"""What ends a message without failing it."""


def _harmless(error: BaseException) -> Exception:
    """The error of a block as one that ends its message only: a block must not end the process with `SystemExit`."""
    return error if isinstance(error, Exception) else Bug(f"the block raised {type(error).__name__}: {error}")


def _outcome(given: object) -> Outcome:
    """The outcome that a block returned, at once or later. Raises `Bug` for anything else."""
    if not isinstance(given, Outcome):
        raise Bug(f"the block returned {type(given).__name__}, neither a message nor a drop")
    return given
