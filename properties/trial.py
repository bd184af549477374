"""One law on one problem: ask the implementation, and hold its answers to the oracle's."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from hypothesis import event

from oracle import exact, pytorch, rounding
from oracle.problem import Inputs, Problem
from oracle.rounding import Bounded
from oracle.verdict import Comparison
from properties.answer import MalformedError, quantity, read_caches, read_outputs
from properties.implementation import Arrangement, Deaths, Died, Implementation, Raised, Returned
from properties.results import Tally
from properties.violation import ViolationError
from reference.contract import CONTRACTS, Array, Contract

Grade = Literal["spec", "robust"]

PATIENCE = 40
"""How often a function may crash before it is not called any more; to hang counts as 20 crashes."""

EXACT_RADIUS = 1e-30
"""Far below any bound: float64 resolves 1e-16 of a number."""


class Answer:
    """What one call returned, read when it is asked for."""

    def __init__(self, trial: "Trial", inputs: Inputs, returned: Returned) -> None:
        self._trial = trial
        self._sizes = trial.sizes(inputs)
        self.returned = returned

    @cached_property
    def outputs(self) -> dict[str, Array]:
        """`a`, `y` and, of an LSTM, `c`, each `(n, m, T_x)`."""
        return self._read(read_outputs)

    @cached_property
    def caches(self) -> dict[str, Array]:
        """Every cache entry `(n, m, T_x)`, and of a forward also `x`."""
        return self._read(read_caches)

    @property
    def memory(self) -> Array:
        """The memory states; `(0, m, T_x)` of an RNN, which has none."""
        a = self.outputs["a"]
        return self.outputs.get("c", np.zeros((0, *a.shape[1:]), a.dtype))

    def _read(self, read: Callable[..., dict[str, Array]]) -> dict[str, Array]:
        try:
            return read(self._trial.contract, self.returned.value, self._sizes)
        except MalformedError as error:
            raise self._trial.violation(form=str(error)) from None


class Trial:
    """One law, one function of one implementation, one problem.

    `worst_ratio` is the largest error so far as a fraction of its bound, `arrangements` is how the arguments
    have been laid out.
    """

    def __init__(
        self,
        law: str,
        grade: Grade,
        implementation: Implementation,
        function: str,
        problem: Problem,
        tally: Tally,
    ) -> None:
        self.law = law
        self.grade = grade
        self.implementation = implementation
        self.contract: Contract = CONTRACTS[function]
        self.problem = problem
        self.inputs = problem.inputs(function)
        self.tally = tally
        self.worst_ratio = 0.0
        self.arrangements: set[Arrangement] = set()

    @property
    def reproduction(self) -> str:
        """The command that runs this function's laws on this problem alone."""
        options = f"--implementation {shlex.quote(self.implementation.target)} -k {self.contract.name}"
        return f"pytest properties {options} --reproduce '{self.problem!r}'"

    def sizes(self, inputs: Inputs) -> dict[str, int]:
        """The sizes by symbol of the inputs of a call."""
        n_x, m, T_x = inputs.x.shape
        return {**self.problem.sizes, "n_x": n_x, "m": m, "T_x": T_x}

    def call(
        self, arguments: Sequence[Any], arrangement: Arrangement = "C", then: Sequence[Any] = ()
    ) -> Returned | Raised:
        """Call the function; to raise is its right, to die is a violation.

        One that has died often enough is not called any more: the smallest problem that it died of is known.
        """
        self.arrangements.add(arrangement)
        name = self.contract.name
        deaths = self.implementation.deaths.setdefault(name, Deaths())
        if deaths.weight < PATIENCE:
            reply = self.implementation.call(name, arguments, arrangement=arrangement, then=then)
            if not isinstance(reply, Died):
                return reply
            deaths.add(reply, self.problem)
        self.problem = deaths.problem
        raise self.violation(died=deaths.reason)

    def answer(
        self, inputs: Inputs | None = None, arrangement: Arrangement = "C", then: Inputs | None = None
    ) -> Answer:
        """Call the function on inputs, by default the problem's own, and expect it to return.

        With `then` the answer is read after another call, on these inputs.
        """
        inputs = inputs or self.inputs
        name = self.contract.name
        afterwards = then.arguments(name) if then else ()
        reply = self.call(inputs.arguments(name), arrangement, afterwards)
        if isinstance(reply, Raised):
            raise self.violation(raised=f"{reply.type_name}: {reply.message}", at=reply.where)
        return Answer(self, inputs, reply)

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
        labels = {quantity(name): name for name in self.contract.outputs}
        meaningful = False
        for name, witness in theirs.items():
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
            self.tally.measure(comparison.nearest, self.problem)
            self.worst_ratio = max(self.worst_ratio, comparison.nearest)
            meaningful |= not comparison.beyond_use
        return meaningful

    def agree_with_torch(self, answer: Answer) -> bool:
        """The whole trajectory against torch's, within the propagated bound."""
        return self.agree(answer.outputs, pytorch.run(self.inputs), rounding.evaluate(self.inputs))

    def agree_with_torch_step_by_step(self, answer: Answer) -> None:
        """Every step against torch's, from the state that the implementation itself gave it."""
        inputs = self.inputs.steps(answer.outputs["a"], answer.memory)
        ours = {name: side_by_side(array) for name, array in answer.outputs.items()}
        steps = self.inputs.x.shape[2]
        self.agree(ours, pytorch.run(inputs), rounding.evaluate(inputs), inputs, steps=steps)

    def agree_with_itself(
        self,
        first: Mapping[str, Array],
        second: Mapping[str, Array],
        inputs: Inputs | None = None,
        *,
        asked: str,
    ) -> None:
        """Hold two answers of the implementation together; `asked` says how it was asked the second time.

        Another kernel may answer for another shape, so the bound applies; scaled to the size of the answers,
        for the two may agree and both be wrong.
        """
        bounds = {
            name: bounded.scaled_to(first[name])
            for name, bounded in rounding.evaluate(inputs or self.inputs).items()
            if name in first
        }
        self.agree(first, second, bounds, inputs, rival=asked)

    def agree_with_the_exact_value(self, answer: Answer) -> None:
        """Every output against its enclosure, which has no error of its own."""
        truth = exact.evaluate(self.inputs, radius=EXACT_RADIUS)
        midpoints = {name: exact.midpoints(truth[name]) for name in answer.outputs}
        self.agree(answer.outputs, midpoints, rounding.evaluate(self.inputs), rival="exact")

    def require_same(self, name: str, ours: Array, given: Array, steps: int = 1) -> None:
        """Hold an array to one that it should be a copy of; `steps` as in `agree`."""
        differs = ~((ours == given) | (np.isnan(ours) & np.isnan(given)))
        if not differs.any():
            return
        row, column, late = np.argwhere(differs)[0]
        raise self.violation(
            element=f"{name}[{row}, sample {column // steps}, step {column % steps + late}]",
            implementation=repr(float(ours[row, column, late])),
            expected=repr(float(given[row, column, late])),
            extent=f"{differs.sum()} of {differs.size} elements of {name}",
        )

    def require(self, holds: Any, **facts: str) -> None:
        """Raise a violation with these facts unless the condition holds."""
        if not holds:
            raise self.violation(**facts)

    def violation(self, **facts: str) -> ViolationError:
        """A violation whose words are known."""
        return ViolationError(self, {name.replace("_", " "): text for name, text in facts.items()})

    def note(self, text: str) -> None:
        """Count something worth reporting that is no failure."""
        self.tally.notes[text] += 1
        event(text)


def side_by_side(array: Array) -> Array:
    """`(n, m, T_x)` as the `(n, m T_x, 1)` of `Inputs.steps`."""
    return array.reshape(len(array), -1, 1)
