"""What a worker is asked to do, in bytes that can be sent again."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from properties.worker.arguments import Arrangement
from properties.worker.messages import Receiver, body, numbered


class Request:
    """A call of a function by position, with copies of the arguments.

    The arrays among them are laid out as `arrangement` says. After it comes a call with each of
    the arguments `then`, before the value is looked at. `with_reference_cell` lets a forward find the
    reference's cell in the place of its own.

    Raises `CodecError` for arguments that are no plain values.
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
        """The same call, in which a forward finds the reference's cell in the place of its own."""
        message = Receiver(BytesIO(numbered(0, self.body)).read).receive()
        _, function, arguments, arrangement, _, then = message.decoded()[0]
        return Request(function, arguments, arrangement, then, with_reference_cell=True)
