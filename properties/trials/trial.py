"""A trial: one law on one problem. Calls the implementation, and compares its answers with the oracle's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from oracle import propagation
from oracle.backward_inputs import BY_SAMPLES
from oracle.inputs import Inputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from oracle.verdict import Comparison, Facts, largest_ratio, number
from properties.implementations.answer import Answer, quantity
from properties.implementations.answers import Answers
from properties.implementations.calls import Death
from properties.implementations.implementation import (
    Arrangement,
    Implementation,
    Outcome,
    Raised,
    Request,
    Returned,
)
from properties.trials.law import Law
from properties.trials.retries import Call, call_with_retry
from properties.trials.tally import NotJudgedError, Tally
from reference.contract import Array, Contract

Bounds = Callable[[], Mapping[str, Bounded]]
"""Computes the bounds, if they are needed."""


@dataclass(frozen=True)
class Expected:
    """What an answer to these inputs is compared with, within the bounds; the rest is as in `Comparison`."""

    values: Mapping[str, Array]
    bounds: Mapping[str, Bounded]
    inputs: Inputs
    steps: int = 1
    rival: str = "torch"


class ViolationError(AssertionError):
    """A law does not hold in a trial. Most facts are computed on demand: shrinking raises many errors."""

    def __init__(self, trial: "Trial", facts: Facts | Callable[[], Facts]) -> None:
        super().__init__()
        self.trial = trial
        self._facts = facts

    @property
    def known(self) -> Facts:
        """The facts that need no computation."""
        return {} if callable(self._facts) else self._facts

    def facts(self) -> Facts:
        """All facts by label."""
        return self._facts() if callable(self._facts) else self._facts

    def __str__(self) -> str:
        trial = self.trial
        law = trial.law
        return f"{trial.contract.name} of {trial.implementation.target}: {law.name} (a {law.grade} law)"


class Trial:
    """One law on one problem.

    `number` is the position of the problem in `answers`. `worst_ratio` is the largest error so far, as a
    fraction of its bound, `arrangements` the memory layouts so far, and `replies` the requests so far with
    the digests of their replies, without the plain request of the problem. `stored` says whether an earlier
    run has stored the problem.
    """

    def __init__(self, law: Law, answers: Answers, number: int, tally: Tally) -> None:
        self.law = law
        self.answers = answers
        self.number = number
        self.tally = tally
        self.implementation = answers.implementation
        self.contract = answers.question.contract
        self.problem = answers.question.problems[number]
        self.inputs: Any = answers.question.inputs[number]  # of a class for the kind of the problem
        self.worst_ratio = 0.0
        self.arrangements: set[Arrangement] = set()
        self.replies: list[tuple[Request, bytes]] = []
        self.notes: list[str] = []
        self.stored = False

    def holds_alone(self) -> bool:
        """Whether the law holds on this problem in a new process."""
        self.implementation.end_process()
        return self.holds_of(self.implementation)

    def holds_of(
        self, implementation: Implementation, function: str = "", problem: Problem | None = None
    ) -> bool:
        """Whether the law holds for another implementation, and another function or problem if given."""
        answers = Answers.to_one(implementation, function or self.contract.name, problem or self.problem)
        try:
            self.law.check(Trial(self.law, answers, 0, Tally()))
        except (ViolationError, NotJudgedError):
            return False
        return True

    def call(
        self, arguments: Sequence[Any], arrangement: Arrangement = "C", then: Sequence[Sequence[Any]] = ()
    ) -> Returned | Raised:
        """Call the function, which may raise an exception. A death is a violation."""
        return self._reply(Request(self.contract.name, arguments, arrangement, then))

    @property
    def answer(self) -> Answer:
        """The answer to the problem, which several laws use. An exception is a violation."""
        self._returned(self._reply())
        return self.answers.answer(self.number)

    @property
    def bounds(self) -> Mapping[str, Bounded]:
        """The bounds on the whole trajectory: how far a right answer may be from the exact value."""
        return self.answers.question.bounds[self.number]

    def bounds_of(self, samples: Any, steps: slice = slice(None)) -> dict[str, Bounded]:
        """The bounds of some samples (any NumPy index) and steps, without sums over samples."""
        names = [name for name in self.bounds if not self.contract.is_backward or name in BY_SAMPLES]
        return {name: self.bounds[name][:, samples, steps] for name in names}

    @property
    def steps(self) -> tuple[Inputs, Mapping[str, Bounded]]:
        """The inputs of every step as one batch, each from the state in the answer, and the bounds."""
        _ = self.answer.outputs
        return self.answers.steps(self.number)

    def answer_to(
        self,
        inputs: Inputs,
        arrangement: Arrangement = "C",
        then: Sequence[Inputs] = (),
        arguments: Sequence[Any] = (),
    ) -> Answer:
        """The answer to a call on these inputs; an exception is a violation.

        The answer is read after a call on each of the inputs `then`. The `arguments` are those of the inputs
        unless another form of these is given.
        """
        name = self.contract.name
        afterwards = [later.arguments(name) for later in then]
        reply = self.call(arguments or inputs.arguments(name), arrangement, afterwards)
        return self.read(self._returned(reply), inputs)

    def read(self, returned: Returned, inputs: Inputs) -> Answer:
        """The answer of a call on these inputs, read by the contract."""
        return Answer(self.contract, returned, inputs.sizes, self.implementation.limits)

    def _reply(self, request: Request | None = None) -> Returned | Raised:
        """The reply to a request, or to the plain request of the problem, whose reply several laws use.

        A death is a violation, perhaps on a smaller problem than this one.
        """
        self.arrangements.add(request.arrangement if request else "C")

        def make() -> Outcome:
            if request:
                return self.implementation.reply_each([request])[0].outcome
            return self.answers.reply(self.number).outcome

        call = Call(self.implementation, self.contract.name, self.problem, make, is_plain=request is None)
        reply = call_with_retry(call, self.law.name, self.note)
        if isinstance(reply, Death):
            shapes = _shapes(self.contract, request) if request and reply.problem == self.problem else ""
            self.problem, died = reply.problem, reply.died
            more = {"shapes": shapes, "at": died.at, "stderr": died.stderr}
            raise self.violation(died=died.reason, **{name: text for name, text in more.items() if text})
        if request:
            self.replies.append((request, reply.digest))
        return reply

    def _returned(self, reply: Returned | Raised) -> Returned:
        if isinstance(reply, Returned):
            return reply
        place = {"at": reply.where} if reply.where else {}
        raise self.violation(raised={"type": reply.type_name, "text": reply.message}, **place)

    def agree(self, ours: Mapping[str, Array], expected: Expected) -> bool:
        """Compare every quantity with what is expected. Returns whether any bound is meaningful."""
        inputs, steps, rival = expected.inputs, expected.steps, expected.rival
        names = [name for name in expected.values if name in ours]  # the implementation may not return all
        outputs = [(ours[name], expected.values[name], expected.bounds[name].error) for name in names]
        ratio = largest_ratio(inputs, outputs, rival)
        if names and ratio <= 1:
            self.measure(ratio)
            return True
        labels, meaningful = {quantity(self.contract, name): name for name in self.contract.outputs}, False
        for name, output in zip(names, outputs, strict=True):
            comparison = Comparison(inputs, name, labels.get(name, name), *output, steps, rival)
            if comparison.worst > 1:
                raise ViolationError(self, comparison.explain)
            self.measure(comparison.nearest)
            meaningful |= not comparison.beyond_use
        return meaningful

    def agree_with_torch(self) -> bool:
        """Compare the whole trajectory with torch's, within the propagated bound."""
        question = self.answers.question
        witness = question.framework[self.number]
        return self.agree(
            self.answer.outputs, Expected(witness, self.bounds, self.inputs, rival=question.rival)
        )

    def agree_with_itself(
        self,
        first: Mapping[str, Array],
        second: Mapping[str, Array],
        inputs: Inputs | None = None,
        bounds: Bounds | None = None,
        *,
        asked: str,
    ) -> None:
        """Compare two answers of the implementation; `asked` says how the second call differed.

        Other shapes may use other kernels, so the answers may differ within the bound, by default that of a
        forward pass on the `inputs`, which are by default those of the problem. The bound is scaled to the
        size of the answers, since both may be wrong. It is computed only if the answers differ.
        """
        same = partial(np.array_equal, equal_nan=True)
        if all(name not in first or same(first[name], array) for name, array in second.items()):
            return
        allowed = bounds() if bounds else propagation.evaluate(inputs) if inputs else self.bounds
        scaled = {name: allowed[name].scaled_to(answer) for name, answer in first.items()}
        self.agree(first, Expected(second, scaled, inputs or self.inputs, rival=asked))

    def agree_with_the_exact_value(self, *, gradual: bool = False) -> None:
        """Compare every output with the exact value; `gradual` bounds are for programs with subnormals."""
        outputs = self.answer.outputs
        question = self.answers.question
        exact = question.exact[self.number]
        bounds = question.gradual_bounds[self.number] if gradual else self.bounds
        values = {name: exact[name] for name in outputs}
        self.agree(outputs, Expected(values, bounds, self.inputs, rival="exact"))

    def require_same(self, name: str, ours: Array, given: Array, steps: int = 1, *, source: str) -> None:
        """Require that a cached array equals its source; `steps` as in `Expected`."""
        differs = ~((ours == given) | (np.isnan(ours) & np.isnan(given)))
        if not differs.any():
            return
        row, column, late = np.argwhere(differs)[0]
        sample, step = divmod(column, steps)
        kind = "feature" if name in ("xt", "caches[1]") else "unit"
        raise self.violation(
            element={"name": name, "row": f"{kind} {row}", "sample": int(sample), "step": int(step + late)},
            cached=number(ours[row, column, late]),
            **{source: number(given[row, column, late])},
            extent={"wrong": int(differs.sum()), "of": differs.size, "name": name},
        )

    def require(self, holds: Any, **facts: Any) -> None:
        """Raise a violation with these facts unless the condition holds."""
        if not holds:
            raise self.violation(**facts)

    def violation(self, **facts: Any) -> ViolationError:
        """A violation with these facts."""
        return ViolationError(self, facts)

    def measure(self, ratio: float) -> None:
        """Update the largest ratio of an error to its bound."""
        self.tally.measure(ratio, self.problem)
        self.worst_ratio = max(self.worst_ratio, ratio)

    def note(self, text: str) -> None:
        """Count a remark that is no failure."""
        self.notes.append(text)
        self.tally.notes[text] += 1


def _shapes(contract: Contract, request: Request) -> str:
    """The shapes of the arrays among the arguments of a call: `"x (2, 3, 4), a0 (5, 3)"`."""
    given = zip(contract.arguments, request.arguments, strict=False)
    return ", ".join(f"{name} {value.shape}" for name, value in given if isinstance(value, np.ndarray))
