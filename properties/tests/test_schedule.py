"""Laws take turns: each is asked early, and those that find more get more time."""

from collections import Counter
from collections.abc import Callable
from itertools import count

from properties.turns.records import MOST_IDLE, Record
from properties.turns.schedule import Contender, take_turns

SECONDS = 1000.0


class Clock:
    """A clock that only turns move."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


class FakeTurn:
    """A law that asks a problem in each tenth of a second, and finds a larger error in some of them."""

    def __init__(self, clock: Clock, is_worse: Callable[[int], bool] = lambda problem: True) -> None:
        self.record = Record()
        self.is_over = False
        self.problems = 0
        self._clock = clock
        self._is_worse = is_worse

    def go_on(self, seconds: float) -> None:
        end = self._clock.time + seconds
        for _ in count():
            self.problems += 1
            self._clock.time += 0.1
            self.record.worst_ratio += self._is_worse(self.problems)
            if self._clock.time >= end:
                return


def run(
    turns: dict[str, FakeTurn], clock: Clock, weights: dict[str, int], seconds: float = SECONDS
) -> list[str]:
    """Let these laws take turns; the names of all turns in order."""
    order: list[str] = []

    def after(contender: Contender) -> bool:
        order.append(contender.key)
        return False

    contenders = [Contender(turn, weights.get(name, 1), name) for name, turn in turns.items()]
    take_turns(contenders, seconds, clock, after)
    return order


def test_after_a_tenth_of_the_time_every_law_was_asked() -> None:
    for n_laws in (2, 300):
        clock = Clock()
        turns = {str(number): FakeTurn(clock) for number in range(n_laws)}
        asked: dict[str, float] = {}

        def after(contender: Contender, clock: Clock = clock, asked: dict[str, float] = asked) -> bool:
            asked.setdefault(contender.key, clock.time)
            return False

        take_turns([Contender(turn, 1, name) for name, turn in turns.items()], SECONDS, clock, after)
        assert len(asked) == n_laws
        assert max(asked.values()) <= SECONDS / 10


def test_every_law_is_asked_even_if_the_time_is_up() -> None:
    clock = Clock()
    turns = {str(number): FakeTurn(clock) for number in range(50)}
    run(turns, clock, {}, 0.1)
    assert {turn.problems for turn in turns.values()} == {1}


def test_laws_that_catch_most_are_first_and_get_more() -> None:
    clock = Clock()
    turns = {name: FakeTurn(clock) for name in ("light", "heavy")}
    order = run(turns, clock, {"heavy": 8})
    assert order[:2] == ["heavy", "light"]
    assert 6 < turns["heavy"].problems / turns["light"].problems < 10


def test_a_law_that_finds_no_larger_errors_gets_less_and_is_not_forgotten() -> None:
    clock = Clock()
    turns = {"new": FakeTurn(clock), "old": FakeTurn(clock, lambda problem: False)}
    turns["back"] = FakeTurn(clock, lambda problem: problem > 100)
    run(turns, clock, {})
    assert 5 < turns["new"].problems / turns["old"].problems < 11
    assert turns["back"].problems > turns["old"].problems * 4


def test_a_larger_error_ends_the_idle_turns() -> None:
    clock = Clock()
    turns = {"worse": FakeTurn(clock), "same": FakeTurn(clock, lambda problem: False)}
    for turn in turns.values():
        turn.record.idle = 3
    run(turns, clock, {})
    assert {name: turn.record.idle for name, turn in turns.items()} == {"worse": 0, "same": MOST_IDLE}


def test_a_law_that_is_over_gets_no_turn_and_the_others_go_on() -> None:
    clock = Clock()
    turns = {name: FakeTurn(clock) for name in ("over", "going")}
    turns["over"].is_over = True
    order = Counter(run(turns, clock, {}))
    assert order["over"] == 1
    assert order["going"] > 10
    assert clock.time >= SECONDS


def test_all_laws_over_end_the_time_early_and_so_does_a_stop() -> None:
    clock = Clock()
    turn = FakeTurn(clock)
    turn.is_over = True
    take_turns([Contender(turn, 1)], SECONDS, clock, lambda _: False)
    take_turns([], SECONDS, clock, lambda _: False)
    take_turns([Contender(FakeTurn(clock), 1)] * 2, SECONDS, clock, lambda _: True)
    assert clock.time < 5


def test_a_later_run_begins_with_the_laws_that_had_no_turn() -> None:
    clock = Clock()
    turns = {name: FakeTurn(clock) for name in ("had", "none")}
    turns["had"].record.seconds = 500.0
    assert run(turns, clock, {}, 100)[0] == "none"
    assert turns["none"].problems > 10 * turns["had"].problems
