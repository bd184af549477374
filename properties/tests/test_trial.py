"""A trial calls an implementation that may crash, and stops after some crashes."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from oracle.witnesses.rounding import Bounded
from properties.explanations.failure import Failure
from properties.implementations.answers import Answers
from properties.implementations.calls import CallHistory, Died, Reply, Request, Returned
from properties.implementations.process_start import Settings
from properties.questions.question import Question
from properties.trials.law import Law
from properties.trials.retries import CRASHES_OF_HANG, MOST_CRASHES, MOST_CRASHES_OF_LAW
from properties.trials.tally import NotJudgedError
from properties.trials.trial import Expected, Trial, ViolationError

HANGS, CRASHES = Died("hung", hung=True), Died("crashed")
LAWS = ("shapes", "split", "empty", "each step")


class Mortal:
    """An implementation that crashes or hangs if its argument `x` has one of these numbers of samples."""

    target = "mortal"
    limits = ANYTHING
    settings = Settings()
    slowest_seconds, may_compile = 0.001, False

    def __init__(self, died: Died, dies: Callable[[int], bool] = lambda m: True) -> None:
        self.died = died
        self.dies = dies
        self.histories: defaultdict[str, CallHistory] = defaultdict(CallHistory)
        self.asked: list[int] = []

    def limit(self, _: str) -> float:
        return self.settings.time_limit

    def call(self, function: str, arguments: Any, **_: Any) -> Any:
        return self.reply_each([Request(function, arguments)])[0].outcome

    def reply_each(self, requests: Any) -> list[Reply]:
        m = requests[0].arguments[0].shape[1]
        self.asked.append(m)
        return [Reply(self.died if self.dies(m) else Returned(None, [], False))]


def trial(implementation: Any, m: int, law: str = "shapes") -> Trial:
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=m, T_x=1)
    answers = Answers(implementation, Question("rnn_forward", [problem]))
    return Trial(Law(law, "spec", lambda _: None), answers, 0)


def die(implementation: Any, m: int, law: str = "shapes") -> ViolationError:
    with pytest.raises(ViolationError) as caught:
        _ = trial(implementation, m, law).answer
    return caught.value


def outcome(trial: Trial) -> tuple[type[Exception] | None, int]:
    """The error that the answer raises, and the number of samples in the error's problem."""
    try:
        _ = trial.answer
    except (ViolationError, NotJudgedError) as error:
        assert trial.inputs.x.shape[1] == trial.problem.m  # the message prints both
        return type(error), trial.problem.m
    return None, 0


@given(st.permutations([0.5, 3.0, 7.0, 2.0]))
def test_a_violation_counts_the_largest_error_of_all_outputs(errors: list[float]) -> None:
    tried = trial(Mortal(CRASHES), 1)
    names = ("a", "y", "caches", "xt")
    ours = {name: np.full((1, 1, 1), error) for name, error in zip(names, errors, strict=True)}
    zeros = dict.fromkeys(names, np.zeros((1, 1, 1)))
    bounds = dict.fromkeys(names, Bounded(np.zeros((1, 1, 1)), np.ones((1, 1, 1))))
    with pytest.raises(ViolationError):
        tried.compare(ours, Expected(zeros, bounds, tried.inputs, witness_name="exact"))
    assert tried.counts.worst_ratio == 7.0


def test_the_sample_in_a_message_is_that_of_the_problem_not_of_the_part_that_is_compared() -> None:
    tried = trial(Mortal(CRASHES), 3)
    bounds = {"a": Bounded(np.ones((1, 2, 1)), np.zeros((1, 2, 1)))}
    first, second = {"a": np.ones((1, 2, 1))}, {"a": np.array([[[2.0], [1.0]]])}
    part = tried.inputs.samples([2, 0])
    with pytest.raises(ViolationError) as caught:
        tried.compare_calls(first, second, part, lambda: bounds, variation="alone", samples=[2, 0])
    assert caught.value.facts()["element"]["sample"] == 2


@given(
    st.sampled_from([HANGS, CRASHES]),
    st.integers(1, 9),
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from(LAWS)), min_size=1, max_size=80),
)
def test_crashes_are_limited_and_count_for_the_law_that_saw_them(
    died: Died, least: int, asked: list[tuple[int, str]]
) -> None:
    implementation = Mortal(died, lambda m: m >= least)
    met = set[str]()
    for m, law in asked:
        kind, shown = outcome(trial(implementation, m, law))
        if kind is ViolationError:
            assert m >= least or law in met
            assert shown >= least
            met.add(law)
        elif kind is NotJudgedError:
            assert law not in met
    deaths = sum(map(implementation.dies, implementation.asked))
    most = 2 * MOST_CRASHES // CRASHES_OF_HANG if died.hung else MOST_CRASHES + 1
    assert deaths <= most  # each hang is retried, and so is the first crash


@pytest.mark.parametrize(("died", "calls"), [(CRASHES, MOST_CRASHES_OF_LAW), (HANGS, 2)])
def test_a_law_with_enough_crashes_calls_the_function_no_more(died: Died, calls: int) -> None:
    implementation = Mortal(died, lambda m: m > 1)
    for m in range(2 * MOST_CRASHES, 2, -1):
        die(implementation, m)
    assert sum(map(implementation.dies, implementation.asked)) in (calls, calls + 1)


def test_a_function_that_always_hangs_is_called_twice() -> None:
    implementation = Mortal(HANGS)
    die(implementation, m=3)
    assert implementation.asked == [3, 1]
    with pytest.raises(NotJudgedError, match="it hung, and is not called any more"):
        _ = trial(implementation, 2, "split").answer
    die(implementation, m=3, law="split")  # the same call, which is known to hang
    assert implementation.asked == [3, 1]


def test_a_law_fails_by_its_smallest_problem_that_crashes() -> None:
    implementation = Mortal(CRASHES, lambda m: m > 1)
    for m in range(MOST_CRASHES_OF_LAW + 5, 4, -1):
        die(implementation, m)
    message = Failure(die(implementation, m=30)).message
    assert "call       crashed" in message
    assert "m=6" in message


def test_other_laws_do_not_call_a_function_beyond_the_size_at_which_it_hangs() -> None:
    implementation = Mortal(HANGS, lambda m: m > 7)
    die(implementation, m=60)
    for m, kind in ((7, None), (8, ViolationError), (9, NotJudgedError), (60, ViolationError)):
        assert outcome(trial(implementation, m, f"law on {m}"))[0] is kind
    assert [m for m in implementation.asked if m > 7] == [60, 8]


def test_a_part_of_a_problem_on_which_a_function_hangs_is_told_and_larger_problems_are_judged() -> None:
    implementation = Mortal(HANGS, lambda m: m == 4)
    asked = trial(implementation, 5, "samples independent")
    assert outcome(asked)[0] is None
    with pytest.raises(ViolationError) as caught:
        asked.answer_to(asked.inputs.samples(np.arange(4)))
    assert caught.value.cheap_facts["shapes"] == "x (1, 4, 1), a0 (1, 4)"
    assert asked.problem.m == 5
    assert outcome(trial(implementation, 9, "shapes"))[0] is None


def test_other_laws_call_a_function_that_hangs_only_without_samples() -> None:
    implementation = Mortal(HANGS, lambda m: m == 0)
    die(implementation, m=0)
    assert outcome(trial(implementation, 5, "split"))[0] is None


def test_a_hang_is_shown_by_the_smallest_version_that_hangs() -> None:
    assert die(Mortal(HANGS, lambda m: m > 7), m=60).trial.problem.m == 8


def test_the_end_of_stderr_is_shown() -> None:
    words = "a warning\nmalloc(): corrupted top size"
    message = Failure(die(Mortal(Died("crashed", stderr=words)), m=1)).message
    assert "  stderr     a warning\n             malloc(): corrupted top size\n" in message


@pytest.mark.parametrize("died", [HANGS, CRASHES])
def test_a_call_that_is_answered_in_the_retry_is_noted(died: Died) -> None:
    implementation = Mortal(died, lambda m: m == 5 and implementation.asked == [5])
    retried = trial(implementation, 5)
    assert retried.call([Problem.rnn(n_x=1, n_a=1, n_y=1, m=5, T_x=1).inputs("rnn_forward").x])
    assert retried.counts.notes == [f"{died.reason}, and answered when it was called again"]


def test_a_function_that_crashed_is_not_called_to_explain_the_crash() -> None:
    implementation = Mortal(CRASHES)
    assert "looks like" not in Failure(die(implementation, m=1)).message
    assert len(implementation.asked) == 2  # the second call is the retry


@pytest.mark.parametrize(("off", "asked"), [(0.0, 0), (1e-12, 1), (np.nan, 1)])
def test_bounds_are_computed_only_if_two_answers_differ(off: float, asked: int) -> None:
    judged, a = trial(Mortal(CRASHES), 2), np.array([[[1.0, np.nan]]])
    bounds = Mock(return_value={"a": Bounded(a, np.full(a.shape, 1e-9))})
    other = {"a": a + np.array([off, 0])}
    with pytest.raises(ViolationError) if np.isnan(off) else nullcontext():
        judged.compare_calls({"a": a}, other, bounds=bounds, variation="again")
    assert bounds.call_count == asked


@pytest.mark.parametrize(("name", "row"), [("xt", "feature 1"), ("a_prev", "unit 1")])
def test_a_row_of_a_cached_array_is_a_feature_or_a_unit(name: str, row: str) -> None:
    given = np.zeros((2, 1, 1))
    with pytest.raises(ViolationError) as caught:
        trial(Mortal(HANGS), 1).require_same(name, np.array([[[0]], [[1.0]]]), given, source="given")
    assert caught.value.cheap_facts["element"]["row"] == row
