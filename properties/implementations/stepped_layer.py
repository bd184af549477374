"""Calls a layer step by step, each step from the states that the call before returned."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from oracle import propagation
from oracle.inputs import LayerInputs
from oracle.rounding import Bounded
from properties.implementations.answer import Answer, MalformedError, quantity, side_by_side
from properties.implementations.implementation import Implementation, Request, Returned
from reference.contract import Array, Contract

Steps = tuple[dict[str, Array], LayerInputs]
"""Every quantity `(n, m T_x, 1)`, and the inputs of all steps as one batch. Without steps, no quantity."""


def step_through(
    contract: Contract, inputs: LayerInputs
) -> Generator[LayerInputs, Mapping[str, Array], Steps]:
    """Yield the inputs of each step of a problem; each `send` takes the outputs of the step."""
    a, c, T_x = inputs.a0, inputs.c0, inputs.x.shape[2]
    shown: dict[str, list[Array]] = {quantity(contract, name): [] for name in contract.outputs}
    before = []
    for t in range(T_x):
        before.append((a, c))
        outputs = yield inputs.single(t, a, c)
        for name, array in outputs.items():
            shown[name].append(array[:, :, 0])
        a = outputs["a_last"].reshape(a.shape)
        c = outputs["c_last"].reshape(c.shape) if "c_last" in outputs else c
    if not T_x:
        return {}, inputs
    every_a, every_c = (
        np.stack(states, axis=3).reshape(*states[0].shape[:2], a.shape[2] * T_x)
        for states in zip(*before, strict=True)
    )
    ours = {name: side_by_side(np.stack(arrays, axis=2)) for name, arrays in shown.items()}
    return ours, inputs.from_each(every_a, every_c)


@dataclass(frozen=True)
class SteppedProblem:
    """The steps of one problem, their bounds, and the requests with the digests of the replies."""

    steps: Steps
    bounds: Mapping[str, Bounded]
    replies: Sequence[tuple[Request, bytes]]


def step_through_each(
    implementation: Implementation, contract: Contract, problems: Sequence[LayerInputs]
) -> dict[int, SteppedProblem]:
    """The problems, by number, for which every step has a well-formed answer.

    All problems have the same length. Each step of all problems is one batch of calls.
    """
    passes = [step_through(contract, inputs) for inputs in problems]
    replies: list[list[tuple[Request, bytes]]] = [[] for _ in passes]
    outputs: dict[int, Mapping[str, Array] | None] = dict.fromkeys(range(len(passes)))
    ends: dict[int, Steps] = {}
    while outputs:
        given: dict[int, LayerInputs] = {}
        for i, shown in outputs.items():
            try:
                given[i] = passes[i].send(shown)  # type: ignore[arg-type]  # the first is None
            except StopIteration as end:
                ends[i] = end.value
        outputs = {}
        requests = [Request(contract.name, inputs.arguments(contract.name)) for inputs in given.values()]
        answered = implementation.reply_each(requests) if requests else []
        for i, request, reply in zip(given, requests, answered, strict=False):
            if isinstance(reply.outcome, Returned):
                replies[i].append((request, reply.digest))
                answer = Answer(contract, reply.outcome, given[i].sizes, implementation.limits)
                with suppress(MalformedError):
                    outputs[i] = answer.outputs
    bounds = propagation.evaluate_each([single for _, single in ends.values()])
    return {i: SteppedProblem(ends[i], bounded, replies[i]) for i, bounded in zip(ends, bounds, strict=True)}
