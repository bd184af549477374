"""Checks one law on one problem: calls the implementation, and compares its answers with the oracle's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from oracle.modules.interface import WrongModule
from oracle.problems.inputs import Inputs, is_sum_over_samples
from oracle.problems.problem import Problem
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Bounded
from oracle.witnesses.verdict import Comparison, Facts, json_number, largest_ratio
from properties.implementations.answer import Answer, MalformedError, quantity
from properties.implementations.answers import Answers
from properties.implementations.calls import Death, Died, Outcome, Raised, Request, Returned
from properties.implementations.implementation import Implementation
from properties.trials.law import Law
from properties.trials.retries import Call, call_with_retry
from properties.trials.tally import Counts, NotJudgedError
from properties.worker.arguments import Arrangement
from reference.contract import Array, Contract


@dataclass(frozen=True)
class Expected:
    """Expected outputs on these inputs, with bounds. The last fields but `network` are as in `Comparison`.

    `network` says in the message of which network the outputs are, if not of that of the problem.
    """

    values: Mapping[str, Array]
    bounds: Mapping[str, Bounded]
    inputs: Inputs
    steps: int = 1
    witness_name: str = "torch"
    samples: Sequence[int] | None = None
    network: str = ""

    @classmethod
    def of_formulas(cls, bounds: Mapping[str, Bounded], inputs: Inputs, network: str = "") -> "Expected":
        """The values of the formulas, which are the midpoints of the bounds."""
        values = {name: each.value for name, each in bounds.items()}
        return cls(values, bounds, inputs, witness_name="formulas", network=network)


class ViolationError(AssertionError):
    """A law does not hold in a trial. Shrinking raises many errors, so slow facts are computed on demand.

    `inputs` are those of the wrong call, if that call comes after a call on the inputs of the trial.
    """

    def __init__(
        self, trial: "Trial", facts: Facts | Callable[[], Facts], inputs: Inputs | None = None
    ) -> None:
        super().__init__()
        self.trial = trial
        self.inputs = inputs
        self._facts = facts

    @property
    def cheap_facts(self) -> Facts:
        """The facts that need no computation."""
        return {} if callable(self._facts) else self._facts

    @property
    def is_of_argument(self) -> bool:
        """Whether an argument was changed, or is another one in a cache. Such an element is only named."""
        return isinstance(self.cheap_facts.get("element"), str)

    def facts(self) -> Facts:
        """Compute all facts."""
        return self._facts() if callable(self._facts) else self._facts

    def __str__(self) -> str:
        trial = self.trial
        law = trial.law
        return f"{trial.contract.name} of {trial.implementation.target}: {law.name} (a {law.grade} law)"


class Trial:
    """One law on one problem, which is the problem `number` of `answers`.

    - `counts`: the largest error so far, and the notes.
    - `arrangements`: the memory layouts of the calls so far.
    - `replies`: all requests so far except the plain one, each with the digest of its reply. The plain
      request has the arguments of the problem, and several laws use its reply.
    - `is_stored`: whether an earlier run has stored the problem.
    """

    def __init__(self, law: Law, answers: Answers, number: int) -> None:
        self.law = law
        self.answers = answers
        self.number = number
        self.implementation = answers.implementation
        self.contract = answers.question.contract
        self.problem = answers.question.problems[number]
        self.inputs: Any = answers.question.inputs[number]  # the class depends on the kind of the problem
        self.counts = Counts()
        self.arrangements: set[Arrangement] = set()
        self.replies: list[tuple[Request, bytes]] = []
        self.is_stored = False

    @cached_property
    def own_violation(self) -> "ViolationError | None":
        """The violation on this problem in a new process, as the first problem of a run, if any.

        Raises `NotJudgedError` if the law cannot be judged there.
        """
        return self.violation_in_new_process(self.problem)

    @property
    def holds_in_new_process(self) -> bool:
        """Whether the law holds on this problem in a new process, as the first problem of a run."""
        try:
            return not self.own_violation
        except NotJudgedError:
            return False

    def violation_in_new_process(self, problem: Problem) -> "ViolationError | None":
        """The violation on a problem in a new process, as the first problem of a run, if any."""
        self.implementation.end_process()
        answers = Answers.to_one(self.implementation, self.contract.name, problem)
        answers.reply(0)  # a run asks for plain answers before it checks a law
        return self._violation_in(answers)

    def violation_by(
        self, implementation: Implementation, function: str = "", problem: Problem | None = None
    ) -> "ViolationError | None":
        """The violation of the law by an implementation, if any.

        By default, it is judged on this trial's function and problem. Raises `NotJudgedError` if the law
        cannot be judged.
        """
        answers = Answers.to_one(implementation, function or self.contract.name, problem or self.problem)
        return self._violation_in(answers)

    def _violation_in(self, answers: Answers) -> "ViolationError | None":
        try:
            self.law.check(Trial(self.law, answers, 0))
        except ViolationError as violation:
            return violation
        return None

    def holds_for(
        self, implementation: Implementation, function: str = "", problem: Problem | None = None
    ) -> bool:
        """Whether the law can be judged and holds for an implementation, as in `violation_by`."""
        try:
            return not self.violation_by(implementation, function, problem)
        except NotJudgedError:
            return False

    def call(self, arguments: Sequence[Any], **how: Any) -> Returned | Raised:
        """Call the function as in `Request`. The call may raise an exception. A death is a violation."""
        return self._reply(Request(self.contract.name, arguments, **how))

    @property
    def answer(self) -> Answer:
        """The answer to the plain request of the problem. An exception is a violation."""
        self.require_returned(self._reply())
        return self.answers.answer(self.number)

    @property
    def bounds(self) -> Mapping[str, Bounded]:
        """The bounds on the whole trajectory: how far a right answer may be from the exact value."""
        return self.answers.question.bounds[self.number]

    def bounds_of(self, samples: Any, steps: slice = slice(None)) -> dict[str, Bounded]:
        """The bounds of some samples (any NumPy index) and steps. Sums over samples are left out."""
        return {
            name: bounded[:, samples, steps]
            for name, bounded in self.bounds.items()
            if not is_sum_over_samples(name)
        }

    @property
    def steps(self) -> tuple[Inputs, Mapping[str, Bounded]]:
        """The inputs of every step, and their bounds, as `Answers.steps` describes."""
        _ = self.answer.memory  # raises if the answer is malformed
        return self.answers.steps(self.number)

    def answer_to(self, inputs: Inputs, **how: Any) -> Answer:
        """Call the function on these inputs, and return the answer. An exception is a violation.

        `how` is as in `Request`.
        """
        reply = self.call(inputs.arguments(self.contract.name), **how)
        return self.read(self.require_returned(reply), inputs)

    def outputs_of_parts(self, inputs: Inputs, parts: Sequence[int]) -> list[dict[str, Array]]:
        """Call a forward pass on parts of these numbers of steps, as `worker.manner.call_in_parts` does."""
        arguments = inputs.span(0, sum(parts)).arguments(self.contract.name)
        returned = self.require_returned(self.call(arguments, parts=parts))
        values = returned.value if isinstance(returned.value, list) else []
        if len(values) != len(parts):
            raise MalformedError("returned states that cannot be the initial states of the next call")
        return [
            self.read(replace(returned, value=value), inputs.span(0, steps)).outputs
            for value, steps in zip(values, parts, strict=True)
        ]

    def read(self, returned: Returned, inputs: Inputs) -> Answer:
        """The answer of a call on these inputs."""
        return Answer(self.contract, returned, inputs.sizes, self.implementation.limits)

    def _reply(self, request: Request | None = None) -> Returned | Raised:
        """The reply to a request, by default to the plain request of the problem.

        A death is a violation. It may have been found on another problem, such as a smaller version of this
        one, which then becomes the problem of this trial.
        """
        self.arrangements.add(request.arrangement if request else "C")

        def make() -> Outcome:
            if request:
                return self.implementation.reply_each([request])[0].outcome
            return self.answers.reply(self.number).outcome

        if not request and self.answers.digest(self.number):
            outcome = make()
            if not isinstance(outcome, Died):  # a dropped reply is asked for again, which may end the process
                return outcome

        call = Call(self.implementation, self.contract.name, self.problem, make, is_plain=request is None)
        reply = call_with_retry(call, self.law.name, self.counts.notes.append)
        if isinstance(reply, Death):
            shapes = _shapes(self.contract, request) if request and reply.problem == self.problem else ""
            died = reply.died
            if reply.problem != self.problem:
                self.problem, self.inputs = reply.problem, reply.problem.inputs(self.contract.name)
            texts = {"shapes": shapes, "at": died.at, "stderr": died.stderr}
            raise self.violation(died=died.reason, **{name: text for name, text in texts.items() if text})
        if request:
            self.replies.append((request, reply.digest))
        return reply

    def require_returned(self, reply: Returned | Raised, **facts: str) -> Returned:
        """The reply, if the call returned. An exception is a violation with these facts, too.

        Raises `MalformedError` if a module returned tensors of other shapes.
        """
        if isinstance(reply, Returned):
            return reply
        if reply.type_name == WrongModule.__name__ and not reply.where:  # by the code that calls modules
            raise MalformedError(reply.message)
        place = {"at": reply.where} if reply.where else {}
        raise self.violation(raised={"type": reply.type_name, "text": reply.message}, **place, **facts)

    def compare(self, ours: Mapping[str, Array], expected: Expected) -> bool:
        """Require that every quantity is within its bound. Returns whether any bound is meaningful."""
        inputs, steps, witness_name = expected.inputs, expected.steps, expected.witness_name
        names = [name for name in expected.values if name in ours]  # a target may not return all quantities
        outputs = [(ours[name], expected.values[name], expected.bounds[name].error) for name in names]
        ratio = largest_ratio(inputs, outputs, witness_name)
        if names and ratio <= 1:
            self.measure(ratio)
            return True
        labels = {quantity(name): name for name in self.contract.outputs}
        comparisons = [
            Comparison(inputs, name, labels.get(name, name), *output, steps, witness_name, expected.samples)
            for name, output in zip(names, outputs, strict=True)
        ]
        for each in comparisons:
            self.measure(each.worst if each.worst > 1 else each.worst_meaningful)
        for each in comparisons:
            if each.worst > 1:
                later = inputs if expected.network else None
                raise ViolationError(self, partial(each.explain, expected.network), later)
        return not all(each.is_meaningless for each in comparisons)

    def compare_with_torch(self) -> bool:
        """Compare the whole trajectory with torch's, as `compare` does."""
        if not any(array.size for array in self.answer.outputs.values()):
            return True  # the shapes are right, and there are no numbers
        question = self.answers.question
        witness = question.witness[self.number]
        # Torch refuses a sequence without steps, whose answer is the initial states.
        name = question.witness_name if self.problem.T_x else "formulas"
        expected = Expected(witness, self.bounds, self.inputs, witness_name=name)
        return self.compare(self.answer.outputs, expected)

    def compare_calls(
        self,
        first: Mapping[str, Array],
        second: Mapping[str, Array],
        inputs: Inputs | None = None,
        bounds: Callable[[], Mapping[str, Bounded]] | None = None,
        *,
        variation: str,
        samples: Sequence[int] | None = None,
    ) -> None:
        """Compare the answers of two calls; `variation` says in the message how the second call differed.

        `samples` are as in `Comparison`.

        The answers may differ by rounding, since libraries use other kernels for other shapes. The allowed
        difference is `bounds`; by default, it is the bound of a forward pass on `inputs`, or without
        `inputs`, the bound of the problem. It is scaled to the size of the answers, since both may be wrong,
        and computed only if the answers differ.
        """
        same = partial(np.array_equal, equal_nan=True)
        if all(name not in first or same(first[name], array) for name, array in second.items()):
            return
        allowed = bounds() if bounds else bounds_on(inputs) if inputs else self.bounds
        scaled = {name: allowed[name].scaled_to(answer) for name, answer in first.items()}
        self.compare(first, Expected(second, scaled, inputs or self.inputs, 1, variation, samples))

    def compare_with_exact_value(self, *, gradual: bool = False) -> None:
        """Compare every output with the exact value. If `gradual`, subnormal numbers must not become 0."""
        outputs = self.answer.outputs
        question = self.answers.question
        exact = question.exact[self.number]
        bounds = question.gradual_bounds[self.number] if gradual else self.bounds
        values = {name: exact[name] for name in outputs}
        self.compare(outputs, Expected(values, bounds, self.inputs, witness_name="exact"))

    def require_same(self, name: str, ours: Array, original: Array, steps: int = 1, *, source: str) -> None:
        """Require that a cached array equals the array that it was copied from.

        `source` is the label of that array in the message, and `steps` is as in `Expected`.
        """
        differs = ~((ours == original) | (np.isnan(ours) & np.isnan(original)))
        if not differs.any():
            return
        row, column, t = np.argwhere(differs)[0]
        sample, step = divmod(column, steps)
        kind = "feature" if name in ("xt", "caches[1]") else "unit"
        raise self.violation(
            element={"name": name, "row": f"{kind} {row}", "sample": int(sample), "step": int(step + t)},
            cached=json_number(ours[row, column, t]),
            **{source: json_number(original[row, column, t])},
            extent={"wrong": int(differs.sum()), "of": differs.size, "name": name},
        )

    def require(self, holds: Any, **facts: Any) -> None:
        """Raise a violation with these facts unless the condition holds."""
        if not holds:
            raise self.violation(**facts)

    def violation(self, **facts: Any) -> ViolationError:
        """Return a violation with these facts."""
        return ViolationError(self, facts)

    def measure(self, ratio: float) -> None:
        """Keep the largest ratio of an error to its bound."""
        self.counts.worst_ratio = max(self.counts.worst_ratio, ratio)

    def note(self, text: str) -> None:
        """Keep a note: something that is worth a line in the report, and is no failure."""
        self.counts.notes.append(text)


def _shapes(contract: Contract, request: Request) -> str:
    """The shapes of the array arguments of a call: `"x (2, 3, 4), a0 (5, 3)"`."""
    arguments = zip(contract.arguments, request.arguments, strict=False)
    return ", ".join(f"{name} {value.shape}" for name, value in arguments if isinstance(value, np.ndarray))
