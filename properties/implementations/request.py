"""A call as bytes, which can be sent several times."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from properties.worker.arguments import Arrangement
from properties.worker.messages import Receiver, body, numbered


class Request:
    """A call of a function with copies of the arguments, by position.

    `arrangement` is the memory layout of the arrays. After this call the worker makes another call with each
    of the arguments `then`, and only then encodes the value of the first. `with_reference_cell` replaces the
    cell that a forward calls by the reference's.

    Raises `CodecError` if an argument is no plain value.
    """

    def __init__(
        self,
        function: str,
        arguments: Sequence[Any],
        arrangement: Arrangement = "C",
        then: Sequence[Sequence[Any]] = (),
        with_reference_cell: bool = False,
    ) -> None:
        self.function = function
        self.arrangement: Arrangement = arrangement
        self.count = len(arguments)
        self.body = body(("call", function, [*arguments], arrangement, with_reference_cell, [*then]))

    def with_right_cell(self) -> "Request":
        """The same call with the reference's cell in place of the target's."""
        message = Receiver(BytesIO(numbered(0, self.body)).read).receive()
        _, function, arguments, arrangement, _, then = message.decoded()[0]
        return Request(function, arguments, arrangement, then, with_reference_cell=True)
