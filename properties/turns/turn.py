"""Runs one turn of a law on one function: tries problems, and shrinks and stores a failing one."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

import pytest
from hypothesis import given, seed, settings, target
from hypothesis import strategies as st

from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.answers import answers_to
from properties.implementations.calls import CallHistory
from properties.implementations.implementation import Implementation
from properties.internals.hypothesis_internals import INDEPENDENT
from properties.strategies.drawn_problems import drawn_examples, examples
from properties.strategies.effort import EFFORTS
from properties.trials.law import Law
from properties.trials.law_cache import LAW_CACHE, HeldTrial
from properties.trials.provided_functions import sentence_why_not_judged
from properties.trials.tally import NotJudgedError, Tally
from properties.trials.trial import Trial, ViolationError
from properties.turns import few_shapes
from properties.turns.records import Record
from properties.turns.smaller_problems import (
    in_simplest_regime,
    is_smallest,
    small_problems,
    with_one_size_reduced,
)
from properties.turns.standalone_failure import standalone_failure

UNLIMITED = 2**30
"""More examples than any turn has."""


class TimeUpError(BaseException):
    """The time of the turn is up. This is a `BaseException`, because Hypothesis catches an `Exception`."""


@dataclass(eq=False, repr=False)
class Turn:
    """Tries problems until `end` (in seconds of the monotonic clock), and stores a failing problem.

    The problems are `only_problem`, or else as many as the profile has, drawn with the seed. Without a seed,
    the law is fuzzed: it goes on in several turns until it `is_over`; `record` is what these have done.
    During shrinking, the last problem that failed is in the store, and so not lost if the program ends.
    `declared` is the limit of the target that excludes the law; empty if there is none.
    """

    SHRINKING = 60.0
    """The seconds of the processor for shrinking a failure, which extend the turn."""

    PATIENCE = 5
    """The seconds of the clock for each second of the processor, since a function may wait."""

    law: Law
    implementation: Implementation
    function: str
    store: Store
    profile: str = "dev"
    seed: int | None = None
    only_problem: Problem | None = None
    tally: Tally = field(default_factory=Tally)
    end: float = math.inf
    declared: str = ""
    record: Record = field(default_factory=Record)
    is_over: bool = False
    _clock: Callable[[], float] = time.monotonic
    _tried_before: int = 0  # in earlier turns
    _shrinking_end: float = math.inf  # in seconds of the processor
    _fixed: deque[Sequence[Problem]] | None = None  # examples that are still to be fuzzed
    _error: BaseException | None = None  # why fuzzing ended, besides a failure
    _left_out: NotJudgedError | None = None  # why a problem was not judged; of several, the last
    _failure: tuple[Trial, Exception] | None = None
    _failed: list[Problem] = field(default_factory=list)  # in the order in which they were tried

    def __post_init__(self) -> None:
        self._backends = cycle(("hypothesis", INDEPENDENT, INDEPENDENT))
        self._effort = EFFORTS.get(self.profile, EFFORTS["dev"])

    @property
    def _is_fuzzing(self) -> bool:
        """Whether problems are drawn until the end of the run."""
        return self.seed is None and self.only_problem is None

    def run(self) -> None:
        """Try stored problems, then drawn ones, and raise the shrunk failure, if any.

        A law that was fuzzed tries no more problems.
        """
        if not self._is_fuzzing:
            self._prepare()
            try:
                if self.only_problem:
                    self._check_each([[self.only_problem]])
                else:
                    self._replay()
                    if not self.holds_on_drawn_problems():
                        self.shrink()
            except Exception:
                if not self._failure:
                    raise
        self._prefer_standalone_failure()
        self.raise_failure()
        if self._error:
            raise self._error
        if self._left_out and not self.tally.problems:
            pytest.skip(str(self._left_out))

    def go_on(self, seconds: float) -> None:
        """Fuzz for some time: try stored problems, then fixed ones, then those of one search of Hypothesis.

        Two searches of three draw every problem independently.
        """
        try:
            if self._fixed is None:
                self._prepare()
                constants = self.implementation.load().constants
                self._fixed = deque(self.law.fixed_examples(self.function, self._effort, constants))
                self._replay()  # all stored problems, also if they take longer
            self.end, self._tried_before = self._clock() + seconds, self.tally.tried
            while self._fixed:
                if self._fails_on_examples([self._fixed[0]]):
                    self.shrink()
                    break
                self._fixed.popleft()
            else:
                self.search(next(self._backends))
        except TimeUpError:
            pass
        except (Exception, pytest.skip.Exception) as error:
            self._error = None if self._failure else error
        self.is_over = bool(self._failure or self._error)

    @property
    def _history(self) -> CallHistory:
        return self.implementation.histories[self.function]

    def _prepare(self) -> None:
        """Fit the law and the effort to the target, or skip the law if it cannot be checked."""
        if reason := sentence_why_not_judged(self.implementation, self.function):
            pytest.skip(reason)
        limits = self.implementation.limits
        self.declared = self.law.domain.excluded_by(self.function, limits)
        if self.declared:
            pytest.skip(f"declared: {self.declared}")
        self.law = self.law.within(limits)
        if self._effort.work < math.inf:
            tenth = self.implementation.settings.time_limit / 10
            self._effort = self._effort.within(self._history.affordable_work(tenth))

    def holds_on_drawn_problems(self) -> bool:
        """Whether the law holds on the problems that are drawn with the seed, and on the fixed problems."""
        assert self.seed is not None
        function, effort = self.function, self._effort
        drawn = drawn_examples(function, effort, self.law.domain, self.seed, self.profile)
        is_long = self._history.is_costly and self.implementation.seconds > few_shapes.LONG
        few = drawn[:: few_shapes.QUARTER] if is_long else drawn
        if len(few) < len(drawn):
            self.tally.notes[few_shapes.FEW_PROBLEMS] += 1
        constants = self.implementation.load().constants
        examples = [*few, *self.law.fixed_examples(function, effort, constants)]
        return not self._fails_on_examples(map(self._in_few_shapes, examples))

    def _in_few_shapes(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        """These problems; of a costly function, their regimes, seeds and dtypes in an earlier shape."""
        shapes = few_shapes.earlier_shapes(self._history, self.function, self.law.domain, problems[0])
        if not shapes:
            return problems
        self.tally.notes[few_shapes.FEW_SHAPES] += 1
        shape = shapes[self.tally.notes[few_shapes.FEW_SHAPES] % len(shapes)]
        return [replace(shape, regime=p.regime, seed=p.seed, dtype=p.dtype) for p in problems]

    def shrink(self) -> None:
        """Shrink the failure.

        First, small shapes are tried. If the law holds on all of these, Hypothesis draws the problems of the
        turn again, and shrinks the failure. If none of these problems fails, the failing one is fixed: its
        sizes are then reduced one by one, and its regime at last. Raises what `search` raises.

        If the function is costly, only the shapes that the laws share are tried.
        """
        assert self._failure
        problem = self._failure[0].problem
        if self._history.is_costly and self._history.shapes:
            any(map(self._fails_on, few_shapes.smaller_shapes(self._history, problem)))
        elif any(map(self._fails_on, small_problems(problem, self.law.domain))) or is_smallest(problem):
            return
        else:
            if self.seed is not None:
                self.tally = Tally()  # Hypothesis tries the same problems again
                self.search()
            while any(self._fails_on([each]) for each in with_one_size_reduced(self._failure[0].problem)):
                pass
        self._fails_on(in_simplest_regime(self._failure[0].problem, self.law.domain))

    def _fails_on(self, problems: Sequence[Problem]) -> bool:
        concerned = [each for each in problems if self.law.concerns(self.function, each)]
        return self._fails_on_examples([concerned])

    def _fails_on_examples(self, examples: Iterable[Sequence[Problem]]) -> bool:
        """Whether the law does not hold on one of these problems, which is then the failure of the turn."""
        failure = self._failure
        try:
            self._check_each(examples)
        except Exception:
            if self._failure is failure:
                raise
        return self._failure is not failure

    def search(self, backend: str = "hypothesis") -> None:
        """Let Hypothesis draw problems, and shrink and raise a failure."""
        strategy = examples(self.function, self._effort, self.law.domain)

        @settings(settings.get_profile(self.profile), backend=backend)
        @given(st.data())
        def check(data: st.DataObject) -> None:
            ratio = self._check_each([data.draw(strategy)])
            if self._effort.is_steered and ratio:
                target(ratio, label="error as a fraction of its bound")

        (check if self.seed is None else seed(self.seed)(check))()

    def check(self, trial: Trial, held: HeldTrial | None = None) -> None:
        """Check the law in a trial. If the replies equal those of a `held` trial, count that trial again.

        A problem that cannot be judged is left out. Raises the failure, and `TimeUpError` when the time is
        up. The first problem of a turn is checked even if the time is up, because a process takes time to
        start.
        """
        is_late = self._clock() >= self.end or time.process_time() >= self._shrinking_end
        if is_late and self.tally.tried > self._tried_before:
            raise TimeUpError
        self.tally.problems += 1
        try:
            if held:
                trial.counts = held.counts
            else:
                self.law.check(trial)
                if not self._is_fuzzing:
                    LAW_CACHE.store(trial)
            if not self._failure:
                self.record.add(trial.counts.worst_ratio)
        except NotJudgedError as reason:
            self._left_out = reason
            self.tally.leave_out(reason)
        except Exception as error:
            if self._failure:
                self.store.discard(self._failure[0].problem)
            elif math.isfinite(self.end):
                self._shrinking_end = time.process_time() + self.SHRINKING
                self.end = self._clock() + self.PATIENCE * self.SHRINKING
            if not isinstance(error, ViolationError):
                error.add_note(f"on {trial.problem!r}")
            self.store.add(trial.problem)
            self._failure = trial, error
            self._failed.append(trial.problem)
            raise
        finally:
            self.tally.add(trial.counts, trial.problem)

    def _prefer_standalone_failure(self) -> None:
        """Replace the failure by one that a single command shows, and store its problem, if there is one."""
        if not self._failure or self.only_problem or self._history.is_costly:
            return
        trial, error = self._failure
        if not isinstance(error, ViolationError) or "died" in error.cheap_facts:
            return
        if found := standalone_failure(trial, self._failed):
            if found.trial.problem != trial.problem:
                self.store.discard(trial.problem)
                self.store.add(found.trial.problem)
            self._failure = found.trial, found

    def raise_failure(self) -> None:
        """Raise the failure, if there is one, without a traceback: the message says where it is."""
        if self._failure:
            raise self._failure[1].with_traceback(None)

    def _replay(self) -> None:
        """Try the stored problems, and delete those on which the law holds now."""
        for problem in self.store:
            left_out = self._left_out
            if self.law.concerns(self.function, problem):  # the limits of the target may have changed
                self._check_each([[problem]], is_stored=True)
            if self._left_out is left_out:
                self.store.discard(problem)

    def _check_each(self, examples: Iterable[Sequence[Problem]], *, is_stored: bool = False) -> float:
        """Check the law on these examples. Returns the largest error as a fraction of its bound."""
        ratio, remaining, size = 0.0, iter(examples), 1
        while batch := [*islice(remaining, size)]:
            trials = [
                Trial(self.law, answers, number)
                for problems in batch
                for answers in [answers_to(self.implementation, self.function, problems)]
                for number in range(len(problems))
            ]
            held = {} if self._is_fuzzing else LAW_CACHE.held_with_equal_replies(trials)
            for trial in trials:
                trial.is_stored = is_stored
                self.check(trial, held.get(trial))
                ratio = max(ratio, trial.counts.worst_ratio)
            # The first batches are small, since many wrong functions fail on the first problem. If the law
            # has held on equal replies in a whole batch, the program is known, and all other examples are one
            # batch.
            size = UNLIMITED if trials and len(held) == len(trials) else 2 * size
        return ratio
