"""Which earlier call it is that has left something which a later one uses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oracle.diagnosis.agreeing import DTYPE, agreeing
from oracle.inputs import LayerInputs
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.location.networks.absent import with_absent
from oracle.location.networks.answer import Answer
from oracle.location.networks.stacking import posed
from oracle.problem import DType, LayerProblem

FIRST = "the first call"
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
    whose = "an earlier call" if of_first == of_second else FIRST if of_first else "the call before"

    def is_of_another(other: LayerInputs, one: LayerInputs, later: LayerInputs) -> bool:
        """Whether it is no longer of the first of two calls if another comes first, or between them."""
        shown = calls.answers([other, one, later] if whose == FIRST else [one, other, later])
        earlier, last = shown[1 if whose == FIRST else 0], shown[2]
        return not (all(shown) and earlier and last and explains(earlier, last))

    def takes_its_place(one: LayerProblem, other: LayerProblem, dtype: DType = "float64") -> bool:
        """Whether a call of other sizes or another dtype may stand for the one that has left it."""
        return is_of_another(calls.like(other, BETWEEN, dtype), *(calls.like(one, seed) for seed in (1, 2)))

    alike = _agreeing_in(problem, calls.limits, takes_its_place)
    whose += f" of its {alike}" if alike else ""
    has_none = calls.absent and not is_of_another(
        calls.with_states(problem, GIVEN), first.inputs, second.inputs
    )
    return f"{whose} that had none" if has_none else whose


def _agreeing_in(problem: LayerProblem, limits: Limits, takes_its_place: Callable[..., bool]) -> str:
    """In which sizes, and perhaps the dtype, it has to agree with the later one; empty where in none."""
    other_dtype = next((each for each in limits.dtypes[1:] if each != "float16"), None)

    def need_not_agree(names: Sequence[str]) -> bool:
        changed: dict[str, Any] = {name: _another(problem, name) for name in names if name != DTYPE}
        dtype = other_dtype if DTYPE in names and other_dtype else limits.dtypes[0]
        return takes_its_place(problem, replace(problem, **changed), dtype)

    of_dtype = [DTYPE] if other_dtype and not need_not_agree([DTYPE]) else []
    alike = agreeing([*_sizes(problem, limits), *of_dtype], need_not_agree)
    if BOTH in alike and takes_its_place(*(replace(problem, layers=n, directions=3 - n) for n in (1, 2))):
        return alike.replace(BOTH, "L D")
    return alike


BOTH = "layers, directions"
"""Of which the product may be enough, as of the shape of a0."""


def _another(problem: LayerProblem, name: str) -> int:
    """Another size: of directions there are but two."""
    size: int = getattr(problem, name)
    return 3 - size if name == "directions" else size + 1


def _sizes(problem: LayerProblem, limits: Limits) -> list[str]:
    """What calls may differ in: not those of networks, where the weights are given."""
    of_networks = ["n_x", "n_a", *(["layers"] if problem.layers < limits.layers else [])]
    of_networks += ["directions"] if limits.directions > 1 else []
    return [*([] if problem.weights else of_networks), "m", "T_x"]
