"""One law on one problem: ask the implementation, and hold its answers to the oracle's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from oracle import backward_own_steps, propagation
from oracle.backward_inputs import BY_SAMPLES, BackwardInputs
from oracle.inputs import Inputs, LayerInputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from oracle.verdict import FROM_THE_STEP_AFTER, Comparison, Facts, number
from properties.implementations.answer import Answer, quantity, side_by_side
from properties.implementations.answers import Answers
from properties.implementations.call_history import Death
from properties.implementations.implementation import (
    Arrangement,
    Implementation,
    Outcome,
    Raised,
    Request,
    Returned,
)
from properties.implementations.stepped_layer import drive
from properties.questions.question import Question
from properties.trials.retries import NotJudgedError, ask_with_retries, is_asked
from properties.trials.tally import Tally
from reference.contract import Array

Grade = Literal["spec", "robust"]

Bounds = Callable[[], Mapping[str, Bounded]]
"""How far a right answer may be off, found out where that matters."""

THE_PROBLEM = None
"""In the place of the request that other laws have perhaps asked."""


class ViolationError(AssertionError):
    """A law that does not hold, on a trial. Shrinking raises many, so most facts are found out later."""

    def __init__(self, trial: "Trial", facts: Facts | Callable[[], Facts]) -> None:
        super().__init__()
        self.trial = trial
        self._facts = facts

    @property
    def known(self) -> Facts:
        """The facts that were known at once."""
        return {} if callable(self._facts) else self._facts

    def facts(self) -> Facts:
        """All facts, by what each is about."""
        return self._facts() if callable(self._facts) else self._facts

    def __str__(self) -> str:
        trial = self.trial
        return f"{trial.contract.name} of {trial.implementation.target}: {trial.law} (a {trial.grade} law)"


class Trial:
    """One law on one problem.

    `worst_ratio` is the largest error so far as a fraction of its bound, `arrangements` is how the arguments
    have been laid out, `replies` are the requests so far with the digests of what came of them. Its problem
    has a `number` among those of the `answers`, and was perhaps `stored` by an earlier run.
    """

    def __init__(
        self,
        law: str,
        grade: Grade,
        check: "Callable[[Trial], None]",
        answers: Answers,
        number: int,
        tally: Tally,
    ) -> None:
        self.law = law
        self.grade = grade
        self.implementation = answers.implementation
        self.contract = answers.question.contract
        self.problem = answers.question.problems[number]
        self.inputs = answers.question.inputs[number]
        self.tally = tally
        self.worst_ratio = 0.0
        self.arrangements: set[Arrangement] = set()
        self.replies: list[tuple[Request | None, bytes]] = []
        self.notes: list[str] = []
        self.check = check
        self.answers = answers
        self.number = number
        self.stored = False

    def holds_alone(self) -> bool:
        """Whether the law holds of this problem where a new process is asked nothing else."""
        self.implementation.close()
        return self.holds_of(self.implementation)

    def holds_of(
        self, implementation: Implementation, function: str = "", problem: Problem | None = None
    ) -> bool:
        """Whether the law holds of this implementation; of another function or problem if they are given."""
        question = Question(function or self.contract.name, [problem or self.problem])
        answers = Answers(implementation, question)
        try:
            self.check(Trial(self.law, self.grade, self.check, answers, 0, Tally()))
        except (ViolationError, NotJudgedError):
            return False
        return True

    def call(
        self, arguments: Sequence[Any], arrangement: Arrangement = "C", then: Sequence[Sequence[Any]] = ()
    ) -> Returned | Raised:
        """Call the function; to raise is its right, to die is a violation."""
        return self._reply(Request(self.contract.name, arguments, arrangement, then))

    @property
    def answer(self) -> Answer:
        """The answer to the problem, which is expected to be one. Other laws have perhaps looked at it."""
        self._returned(self._reply(THE_PROBLEM))
        return self.answers.answer(self.number)

    @property
    def bounds(self) -> Mapping[str, Bounded]:
        """How far a right answer may be off, over the whole trajectory."""
        return self.answers.question.bounds[self.number]

    def bounds_of(self, samples: Any, steps: slice = slice(None)) -> dict[str, Bounded]:
        """The same of some samples, by any NumPy index, and some steps; not of sums over them."""
        names = [name for name in self.bounds if not self.contract.is_backward or name in BY_SAMPLES]
        return {name: self.bounds[name][:, samples, steps] for name in names}

    @property
    def steps(self) -> tuple[Inputs, Mapping[str, Bounded]]:
        """Every step, side by side, from the state that the answer gives it, and how far it may be off."""
        _ = self.answer.outputs
        return self.answers.steps(self.number)

    def answer_to(
        self, inputs: Inputs, arrangement: Arrangement = "C", then: Sequence[Inputs] = ()
    ) -> Answer:
        """Call the function on inputs, and expect it to return.

        The answer is read after a call on each of the inputs `then`.
        """
        name = self.contract.name
        afterwards = [later.arguments(name) for later in then]
        return self.answer_to_call(inputs.arguments(name), inputs, arrangement, afterwards)

    def answer_to_call(
        self,
        arguments: Sequence[Any],
        inputs: Inputs,
        arrangement: Arrangement = "C",
        then: Sequence[Sequence[Any]] = (),
    ) -> Answer:
        """The same with arguments that say `inputs` in another way."""
        return self.read(self._returned(self.call(arguments, arrangement, then)), inputs)

    def read(self, returned: Returned, inputs: Inputs) -> Answer:
        """What a call on inputs returned, as the contract says."""
        return Answer(self.contract, returned, inputs.sizes, self.implementation.limits)

    def _reply(self, request: Request | None) -> Returned | Raised:
        """What comes of a request, which is not asked twice where it is the problem itself."""
        self.arrangements.add(request.arrangement if request else "C")
        if request:
            reply = self._alive(lambda: self.implementation.reply_each([request])[0].outcome)
        else:
            reply = self._alive(lambda: self.answers.reply(self.number).outcome, plainly=True)
            if any(asked is THE_PROBLEM for asked, _ in self.replies):
                return reply
        self.replies.append((request, reply.digest))
        return reply

    def _alive(self, ask: Callable[[], Outcome], plainly: bool = False) -> Returned | Raised:
        """The reply, or a violation where the function dies, be it of another problem of this law."""
        name, problem = self.contract.name, self.problem
        outcome = ask_with_retries(
            self.implementation, name, self.law, problem, ask, plainly=plainly, note=self.note
        )
        if not isinstance(outcome, Death):
            return outcome
        self.problem, died = outcome.problem, outcome.died
        more = {"at": died.at, "stderr": died.last_words}
        raise self.violation(died=died.reason, **{name: text for name, text in more.items() if text})

    def _returned(self, reply: Returned | Raised) -> Returned:
        if isinstance(reply, Raised):
            raise self.violation(raised={"type": reply.type_name, "text": reply.message}, at=reply.where)
        return reply

    def agree(
        self,
        ours: Mapping[str, Array],
        theirs: Mapping[str, Array],
        bounds: Mapping[str, Bounded],
        inputs: Inputs | None = None,
        *,
        steps: int = 1,
        rival: str = "torch",
    ) -> bool:
        """Hold every quantity of `theirs` to the bound; whether any of the bounds still meant something."""
        labels = {quantity(self.contract, name): name for name in self.contract.outputs}
        meaningful = False
        for name, witness in theirs.items():
            if name not in ours:
                continue  # which the implementation does not show
            comparison = Comparison(
                inputs or self.inputs,
                name,
                labels.get(name, name),
                ours[name],
                witness,
                bounds[name].error,
                steps,
                rival,
            )
            if comparison.worst > 1:
                raise ViolationError(self, comparison.explain)
            self.measure(comparison.nearest)
            meaningful |= not comparison.beyond_use
        return meaningful

    def agree_with_torch(self) -> bool:
        """The whole trajectory against torch's, within the propagated bound."""
        question = self.answers.question
        witness = question.framework[self.number]
        return self.agree(self.answer.outputs, witness, self.bounds, rival=question.rival)

    def agree_with_torch_step_by_step(self) -> None:
        """Every step against torch's, from the state that the implementation itself gave it."""
        if isinstance(self.inputs, BackwardInputs):
            self._agree_step_by_step_backward(self.inputs)
            return
        if isinstance(self.inputs, LayerInputs):
            ours, inputs, bounds = self._driven(self.inputs)
        else:
            ours, inputs, bounds = self._side_by_side()
        if ours:
            self.agree(ours, self._by_torch(inputs), bounds, inputs, steps=self.inputs.x.shape[2])

    def _by_torch(self, inputs: Inputs) -> Mapping[str, Array]:
        """What torch answers to inputs, which may be those of the question itself."""
        from oracle import pytorch

        return self.answers.question.framework[self.number] if inputs is self.inputs else pytorch.run(inputs)

    def _agree_step_by_step_backward(self, inputs: BackwardInputs) -> None:
        """Every step of a backward pass, from the gradient that the implementation gave the step after.

        A cell has one step. A sequence is asked once more, with an input for each pre-activation: so it shows
        the gradients by these.
        """
        if self.contract.is_cell:
            self.agree_with_torch()
            return
        n_a, m, T_x = inputs.da.shape
        rng = np.random.default_rng([self.problem.seed, 5])
        x = rng.standard_normal((n_a * (4 if inputs.kind == "lstm" else 1), m, T_x)).astype(inputs.dtype)
        shown = inputs.with_pre_activations_as_inputs(x)
        ours = self.answer_to(shown).outputs
        bounds = backward_own_steps.evaluate(shown, ours["dx"].astype(np.float64))
        formulas = {name: bounded.value for name, bounded in bounds.items()}
        self.agree(ours, formulas, bounds, shown, rival=FROM_THE_STEP_AFTER)

    def _side_by_side(self) -> tuple[dict[str, Array], Inputs, Mapping[str, Bounded]]:
        """The steps of one of the four functions, as it answered.

        If it hides its memory, each step is asked by itself, from a memory state of zeros.
        """
        answer = self.answer
        if not answer.hides_memory:
            return {name: side_by_side(array) for name, array in answer.outputs.items()}, *self.steps
        a = answer.outputs["a"]
        inputs = self.inputs.steps(a, np.zeros_like(a))
        return self.answer_to(inputs).outputs, inputs, propagation.evaluate(inputs)

    def _driven(self, inputs: LayerInputs) -> tuple[dict[str, Array], Inputs, Mapping[str, Bounded]]:
        """The steps of a layer side by side; of one problem alone where that has something to be told."""
        alive = is_asked(self.implementation, self.contract.name, self.problem)
        driven = self.answers.driven(self.number) if alive else None
        if driven:
            self.replies += driven.replies
            return *driven.steps, driven.bounds
        steps = drive(self.contract, inputs)
        try:
            step = next(steps)
            while True:
                step = steps.send(self.answer_to(step).outputs)
        except StopIteration as end:
            ours, single = end.value
        return ours, single, propagation.evaluate(single)

    def agree_with_itself(
        self,
        first: Mapping[str, Array],
        second: Mapping[str, Array],
        bounds: Bounds,
        inputs: Inputs | None = None,
        *,
        asked: str,
    ) -> None:
        """Hold two answers of the implementation together; `asked` says how it was asked the second time.

        Another kernel may answer for another shape, so the bound applies; scaled to the size of the answers,
        for the two may agree and both be wrong. Of answers that are the same nobody asks for a bound.
        """
        if all(name not in first or _are_same(first[name], array) for name, array in second.items()):
            return
        allowed = bounds()
        scaled = {name: allowed[name].scaled_to(answer) for name, answer in first.items()}
        self.agree(first, second, scaled, inputs, rival=asked)

    def agree_with_the_exact_value(self, *, gradual: bool = False) -> None:
        """Every output against its enclosure, which has no error of its own; underflow may be `gradual`."""
        outputs = self.answer.outputs
        question = self.answers.question
        exact = question.exact[self.number]
        bounds = question.gradual_bounds[self.number] if gradual else self.bounds
        self.agree(outputs, {name: exact[name] for name in outputs}, bounds, rival="exact")

    def require_same(self, name: str, ours: Array, given: Array, steps: int = 1, *, source: str) -> None:
        """Hold a cached array to one that it should be a copy of; `steps` as in `agree`."""
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
        """A violation whose facts are known."""
        return ViolationError(self, facts)

    def measure(self, ratio: float) -> None:
        """Keep the largest ratio of an error to its bound."""
        self.tally.measure(ratio, self.problem)
        self.worst_ratio = max(self.worst_ratio, ratio)

    def note(self, text: str) -> None:
        """Count something worth reporting that is no failure."""
        self.notes.append(text)
        self.tally.notes[text] += 1


def _are_same(ours: Array, theirs: Array) -> bool:
    return np.array_equal(ours, theirs, equal_nan=True)
