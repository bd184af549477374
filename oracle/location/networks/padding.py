"""What is returned for steps beyond the end of a sequence, where all else is right."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.location import Location
from oracle.location.networks.answer import answer
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.stacking import Stacking, and_larger, are_of, condition, posed, words
from oracle.problem import LayerProblem
from reference.contract import Array

WHERE = "a beyond the end of a sequence ≠ 0"


@dataclass(frozen=True)
class Padded:
    """Hidden states `a (D n_h, m, T_x)` that are right within all sequences, and where not 0 beyond."""

    inputs: LayerInputs
    a: Array
    wrong: Array

    @property
    def past(self) -> Array:
        """How many steps after the last one a step is, `(1, m, T_x)`; of its own none or less."""
        return np.asarray(np.arange(self.a.shape[2]) - self.inputs.ends[:, None] + 1)[None]

    @property
    def tolerance(self) -> Array:
        """How far two values may be apart that are the same, which is little beside what is shown."""
        size = np.where(np.isfinite(self.a), np.abs(self.a), 0)
        apart = max(1e-9, 4 * np.finfo(self.inputs.dtype).eps) * (1 + size)
        return np.asarray(np.minimum(apart, 1e-3 * size))

    @property
    def places(self) -> Array:
        """In which direction, sample and step any unit is wrong, `(D, m, T_x)`."""
        return np.asarray(np.stack(np.split(self.wrong, self.inputs.directions)).any(axis=1))


def beyond_the_end(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """When and how a layer returns something beyond the ends of sequences; `None` where it does not.

    Nothing is said of what is wrong in any other way, too.
    """
    if counterexample.lengths == "absent":
        return None
    wrong: dict[Stacking, list[Padded]] = {}
    every = and_larger(counterexample, limits)
    for stacking in every:
        seen = _seen(function, program, counterexample, stacking, limits)
        if seen is None:
            return None
        if any(each.wrong.any() for each in seen):
            wrong[stacking] = seen
    if not are_of(counterexample, wrong):
        return None
    if not condition([*wrong], every):  # as it is in no simple choice of stackings
        return Location(WHERE, "", "", equations=[WHERE])
    of_several = words(*next(iter(wrong)))
    where = f"with {of_several}: {WHERE}" if of_several else WHERE
    most = max(directions for _, directions in wrong)
    alike = [seen for (_, directions), seen in wrong.items() if directions == most]
    is_of_one = any(directions < most for _, directions in wrong)
    whens, hows = {_when(seen, is_of_one) for seen in alike}, {_how(seen) for seen in alike}
    when, how = (said.pop() if len(said) == 1 else "" for said in (whens, hows))
    return Location(where, when, how, equations=[WHERE])


SIZES = ((5, 7), (1, 6), (2, 9), (6, 4), (4, 7))
"""Samples and steps of what is asked."""


def _seen(
    function: str, program: Program, problem: LayerProblem, stacking: Stacking, limits: Limits
) -> list[Padded] | None:
    """Some answers of one stacking; `None` where anything else is wrong."""
    seen = []
    for seed, sizes in enumerate(SIZES):
        inputs = posed(problem, stacking, sizes, "random", seed, limits)
        if (padded := _padded(function, program, inputs)) is None:
            return None
        seen.append(padded)
    return seen


def _padded(function: str, program: Program, inputs: LayerInputs) -> Padded | None:
    """`None` where anything else is wrong."""
    seen = answer(function, program, inputs)
    if not seen or any(wrong.any() for name, wrong in seen.wrong.items() if name != "a"):
        return None
    padded = Padded(inputs, seen.shown["a"], seen.wrong["a"])
    return None if (padded.wrong & (padded.past <= 0)).any() else padded


def _when(seen: Sequence[Padded], is_of_one: bool) -> str:
    """In which direction, and at which steps beyond the end; not in one alone, if of one alone, too."""
    directions = {"": slice(None)}
    if seen[0].inputs.directions == 2 and not is_of_one:
        directions |= {"in the forward direction": slice(1), "in the backward direction": slice(1, None)}
    for of_direction, chosen in directions.items():
        for of_steps, steps in _STEPS.items():
            if all(_is_so(each, chosen, steps) for each in seen):
                return ", ".join(filter(None, [of_direction, of_steps])) or "always"
    return ""


def _is_so(padded: Padded, directions: slice, condition: Callable[[Array], Array]) -> bool:
    """Whether it is wrong in these directions where that holds of how many steps beyond the end it is."""
    expected = np.zeros(padded.places.shape, bool)
    expected[directions] = (padded.past > 0) & condition(padded.past)
    return bool((padded.places == expected).all())


_STEPS: Mapping[str, Callable[[Array], Array]] = {
    "": lambda past: np.full(past.shape, True),
    "only the first step beyond it": lambda past: past == 1,
    "all but the first step beyond it": lambda past: past > 1,
    "only the last step of x": lambda past: np.arange(past.shape[2]) == past.shape[2] - 1,
}


def _how(seen: Sequence[Padded]) -> str:
    """What all of them are, or what those of each direction are."""
    if found := _like(seen, slice(None)):
        return found
    if seen[0].inputs.directions == 1:
        return ""
    n_h = len(seen[0].a) // 2
    forward, backward = _like(seen, slice(n_h)), _like(seen, slice(n_h, None))
    return (
        f"in the forward direction {forward}, in the backward one {backward}" if forward and backward else ""
    )


def _like(seen: Sequence[Padded], rows: slice) -> str:
    """The first of some values that all of some rows are that are wrong."""
    every = [dict(_candidates(each)) for each in seen]
    for what in every[0]:
        if all(
            (np.abs(each.a - candidates[what]) <= each.tolerance)[rows][each.wrong[rows]].all()
            for each, candidates in zip(seen, every, strict=True)
        ):
            return what
    values = np.concatenate([each.a[rows][each.wrong[rows]] for each in seen])
    if values.size and not np.ptp(values):
        return f"always {values[0]:.6g}"
    return ""


def _candidates(padded: Padded) -> Iterator[tuple[str, Array]]:
    inputs, a, ends = padded.inputs, padded.a, padded.inputs.ends
    T_x = a.shape[2]
    at_end = np.take_along_axis(a, np.broadcast_to(ends[:, None] - 1, (1, len(ends), 1)), axis=2)
    yield "the state of the last step of the sequence", np.broadcast_to(at_end, a.shape)
    yield "the state of step 0", np.broadcast_to(a[:, :, :1], a.shape)
    initial = inputs.a0[-inputs.directions :].reshape(len(a), -1, 1)
    yield "the initial state", np.broadcast_to(initial, a.shape)
    longer = replace(inputs, lengths=np.minimum(ends + 1, T_x))
    yield "as if the sequence had one step more", evaluate(longer)["a"].value
    yield "as if no lengths were given", evaluate(replace(inputs, lengths=None))["a"].value
