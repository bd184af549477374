"""Gives the turns of fuzzing to laws, by how much each law still finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

FIRST_TURN = 1 / 20
"""The largest part of its equal share of the time that a law gets in its first turn."""

TURN = 1 / 4
"""The largest part of its equal share of the time that a law gets in any other turn."""

MOST_SECONDS = (1.0, 2.0)
"""The most seconds of a first turn, and of any other turn."""


@dataclass(frozen=True, eq=False)
class Contender:
    """A law on a function, which gets more time if its `weight` is larger."""

    turn: Any  # a `Turn`, of which `go_on`, `record` and `is_over` are used
    weight: int
    key: Any = None


def take_turns(
    contenders: Sequence[Contender],
    seconds: float,
    clock: Callable[[], float],
    after_turn: Callable[[Contender], bool],
) -> None:
    """Let the laws take turns until the time is up, all laws are over, or `after_turn` returns true.

    Each law gets a short turn first, even if the time is up, and those with the largest weights begin. Then
    the next turn goes to the law that has had the least time for its weight. A law that finds no larger
    errors counts as lighter.
    """

    def take_turn(contender: Contender, turn_seconds: float) -> bool:
        record, start = contender.turn.record, clock()
        before = record.worst_ratio
        contender.turn.go_on(turn_seconds)
        record.seconds += clock() - start
        record.count_turn(record.worst_ratio > before)
        return after_turn(contender)

    end, share = clock() + seconds, seconds / max(len(contenders), 1)
    for contender in sorted(contenders, key=lambda each: (each.turn.record.seconds > 0, -each.weight)):
        if take_turn(contender, min(FIRST_TURN * share, MOST_SECONDS[0])):
            return
    while clock() < end:
        left = [each for each in contenders if not each.turn.is_over]
        next_one = min(left, key=lambda each: time_had(each.turn.record, each.weight), default=None)
        if not next_one or take_turn(next_one, min(TURN * share, MOST_SECONDS[1], end - clock())):
            return


def time_had(record: Any, weight: int, promised: float = 0.0) -> float:
    """The time that a law has had or was promised, for its weight and for what its last turns found."""
    return float((record.seconds + promised) * (1 + record.idle) / weight)
