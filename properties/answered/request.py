"""What a worker is asked to do, in bytes that can be sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from properties.worker.arguments import Arrangement
from properties.worker.wire import body


@dataclass(frozen=True, eq=False)
class Request:
    """A call of a function by position, with copies of the arguments.

    The arrays among them are laid out as `arrangement` says. After it comes another call, with the arguments
    `then` if there are any, before the value is looked at. `with_reference_cell` lets a forward find the
    reference's cell in the place of its own.
    """

    function: str
    arguments: Sequence[Any]
    arrangement: Arrangement = "C"
    then: Sequence[Any] = ()
    with_reference_cell: bool = False

    @cached_property
    def body(self) -> bytes:
        """What is sent; raises `CodecError` for arguments that are no plain values."""
        how = self.arrangement, self.with_reference_cell, [*self.then]
        return body(("call", self.function, [*self.arguments], *how))
