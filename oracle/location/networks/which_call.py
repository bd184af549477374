"""Which earlier call it is that has left something which a later one uses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from oracle.diagnosis.agreeing import DTYPE, agreeing, listed, with_one_for
from oracle.inputs import LayerInputs
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.location.networks.absent import with_absent
from oracle.location.networks.answer import Answer
from oracle.location.networks.stacking import posed
from oracle.problem import DType, LayerProblem

BOTH = ("layers", "directions")
"""Of which the product may be enough, as of the shape of a0."""
Then = Literal["left", "lost", "taken"]
"""It is still what the one call has left; nothing is used; or it is that of another call, or not known."""

BETWEEN, GIVEN = 4, 5
"""Seeds of calls that come first, or between two."""

Explains = Callable[[Answer, Answer], bool]
"""Whether something that an earlier call has left explains the answer to a later one."""


@dataclass(frozen=True)
class Calls:
    """Ordinary calls, with or without `lengths`, which `anew` makes a program forget.

    Their initial states are given, or 0, of which some are `absent`.
    """

    answer: Callable[[LayerInputs], Answer | None]
    anew: Callable[[], None]
    limits: Limits
    lengths: Lengths
    absent: Sequence[str] | None

    def answers(self, every: Sequence[LayerInputs]) -> list[Answer | None]:
        """Those to some calls in a new process."""
        self.anew()
        return [self.answer(inputs) for inputs in every]

    def like(self, problem: LayerProblem, seed: int, dtype: DType = "float64") -> LayerInputs:
        """One of the sizes and the stacking of a problem."""
        given = self.with_states(problem, seed, dtype)
        if self.absent is None:
            return given
        return with_absent(replace(given, a0=0 * given.a0, c0=0 * given.c0), self.absent)

    def with_states(self, problem: LayerProblem, seed: int, dtype: DType = "float64") -> LayerInputs:
        """The same with initial states that are given."""
        stacking, sizes = (problem.layers, problem.directions), (problem.m, problem.T_x)
        return posed(problem, stacking, sizes, self.lengths, seed, self.limits, dtype)


def whose_it_is(
    calls: Calls, problem: LayerProblem, explains: Explains, three: tuple[Answer, Answer, Answer]
) -> str:
    """The call that has left it, in words, by the answers to three: `the call before of its n_a and m`."""
    first, second, third = three
    of_first, of_second = explains(first, third), explains(second, third)
    is_first = of_first and not of_second
    whose = (
        "an earlier call" if of_first == of_second else "the first call" if is_first else "the call before"
    )

    def after(other: LayerInputs, one: LayerInputs, later: LayerInputs) -> Then:
        """What becomes of it if another call comes first, or between the two: what fits nothing fails."""
        shown = calls.answers([other, one, later] if is_first else [one, other, later])
        earlier, last = shown[1 if is_first else 0], shown[2]
        if not (all(shown) and earlier and last):
            return "taken"
        return "left" if explains(earlier, last) else "lost" if last.is_right else "taken"

    def after_another(other: LayerProblem, dtype: DType = "float64", like: LayerProblem = problem) -> Then:
        """The same if that is of other sizes or another dtype than two like a problem."""
        return after(calls.like(other, BETWEEN, dtype), *(calls.like(like, seed) for seed in (1, 2)))

    if alike := _agreeing_in(problem, calls.limits, after_another):
        is_lost = after_another(_other(problem, _sizes(problem, calls.limits))) == "lost"
        whose += f", if that is of its {listed(alike)}," if is_lost else f" of its {listed(alike)}"
    given = calls.with_states(problem, GIVEN)
    has_none = calls.absent and after(given, first.inputs, second.inputs) == "left"
    return f"{whose} that had none" if has_none else whose


def _agreeing_in(problem: LayerProblem, limits: Limits, after_another: Callable[..., Then]) -> Sequence[str]:
    """In which sizes, and perhaps the dtype, it has to agree with the later one; none where in none."""
    other_dtype = next((each for each in limits.dtypes[1:] if each != "float16"), None)

    def need_not_agree(names: Sequence[str]) -> bool:
        dtype = other_dtype if DTYPE in names and other_dtype else limits.dtypes[0]
        return after_another(_other(problem, names), dtype) == "taken"

    of_dtype = [DTYPE] if other_dtype and not need_not_agree([DTYPE]) else []
    alike = agreeing([*_sizes(problem, limits), *of_dtype], need_not_agree)
    if {*BOTH} <= {*alike}:
        one, other = (replace(problem, layers=n, directions=3 - n) for n in (1, 2))
        if after_another(other, like=one) == "taken":
            return with_one_for(BOTH, "L D", alike)
    return alike


def _other(problem: LayerProblem, names: Sequence[str]) -> LayerProblem:
    """One with other sizes: of directions there are two, and all layers and directions are not as many."""
    changed: dict[str, Any] = {name: getattr(problem, name) + 1 for name in names if name != DTYPE}
    if "directions" in changed:
        changed["directions"] = 3 - problem.directions
    other = replace(problem, **changed)
    as_many = other.layers * other.directions == problem.layers * problem.directions
    return replace(other, layers=other.layers + 1) if as_many and {*BOTH} <= {*names} else other


def _sizes(problem: LayerProblem, limits: Limits) -> list[str]:
    """What calls may differ in: not those of networks, where the weights are given."""
    of_networks = ["n_x", "n_a"]
    of_networks += ["n_p"] if problem.n_p and limits.projection is True else []
    of_networks += ["layers"] if problem.layers < limits.layers else []
    of_networks += ["directions"] if limits.directions > 1 else []
    return [*([] if problem.weights else of_networks), "m", "T_x"]
