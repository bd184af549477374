"""The equations of the network give the same numbers in every form: one by one, joined, and derived."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from oracle.faults.equations import OPERATIONS
from oracle.network.backward import derivative
from oracle.network.equations import CELLS, HEAD, Equations, equation, joined, operation, quantities
from oracle.network.forward import evaluate
from oracle.problems.problem import Problem
from oracle.witnesses.rounding import Bounded
from reference.contract import NETWORKS, Kind

KINDS = tuple(NETWORKS)


def step_of(kind: Kind) -> SimpleNamespace:
    """The known quantities of one step in NumPy, with the operations."""
    inputs = Problem(kind, n_x=3, n_a=4, n_y=2, m=5, T_x=1).inputs(f"{kind}_cell_forward")
    known = {"xt": inputs.x[:, :, 0], "a_prev": inputs.a0, "c_prev": inputs.c0, "affine_maps": {}}
    known["affine_map"] = lambda W, b: lambda u: W @ u + b
    return SimpleNamespace(**{**inputs.parameters, **known, **OPERATIONS})


@pytest.mark.parametrize("kind", KINDS)
def test_joined_equations_give_the_same_numbers(kind: Kind) -> None:
    each, together = step_of(kind), step_of(kind)
    plain: Equations = {name: equation(expression) for name, expression in CELLS[kind].items()}
    evaluate(each, plain, plain)
    evaluate(together, joined(CELLS[kind]), joined(CELLS[kind]))
    for name in set(CELLS[kind]) & vars(together).keys():
        np.testing.assert_allclose(getattr(together, name), getattr(each, name), rtol=1e-13)
    results = {*NETWORKS[kind].gates.values(), *(f"{state}_next" for state in NETWORKS[kind].states)}
    assert results <= vars(together).keys()


@pytest.mark.parametrize("kind", KINDS)
def test_the_equations_of_a_kind_have_the_parameters_gates_and_states_of_its_entry(kind: Kind) -> None:
    network, cell = NETWORKS[kind], {**CELLS[kind], **HEAD}
    named = {name for expression in cell.values() for name in expression.quantities} - cell.keys()
    given = {*network.parameters, "xt", *(f"{state}_prev" for state in network.states)}
    assert named == {"Wy" if name == "Wya" else name for name in given}
    assert {*network.gates.values(), *(f"{state}_next" for state in network.states)} <= cell.keys()
    maps = {z.operands for z in CELLS[kind].values() if z.operation == "affine"}
    names = {(*(each.name for each in (W.operands or (W,))), b.name) for W, _, b in maps}
    assert names == {*network.affine_maps}


def test_an_affine_map_without_an_activation_is_joined() -> None:
    affine = operation("affine")
    u, W, V, b = quantities("u W V b")
    p, q = quantities("p q")
    table = {"p": affine(W, u, b), "q": affine(V, u, b), "r": operation("tanh")(p), "s": p * q}
    v: Any = step_of("lstm")
    v.u, v.W, v.V, v.b = (np.arange(n, n + 4.0).reshape(2, 2) / 9 for n in range(4))
    evaluate(v, joined(table), joined(table))
    expected = v.W @ v.u + v.b, v.V @ v.u + v.b
    np.testing.assert_allclose(v.q, expected[1], rtol=1e-13)
    np.testing.assert_allclose(v.r, np.tanh(expected[0]), rtol=1e-13)
    np.testing.assert_allclose(v.s, expected[0] * expected[1], rtol=1e-13)


def test_an_operation_without_a_derivative_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (z,) = quantities("z")
    changed: Any = CELLS
    monkeypatch.setitem(changed, "rnn", {**CELLS["rnn"], "a_next": operation("softplus")(z)})
    derivative.cache_clear()
    with pytest.raises(ValueError, match="softplus has no derivative"):
        derivative("rnn")
    monkeypatch.undo()
    derivative.cache_clear()


def test_a_bounded_quantity_is_moved_by_numpy() -> None:
    value, error = torch.rand(2, 2, 3, 4).double().numpy()
    x: Any = Bounded(value, error)
    moved: Any = np.transpose(np.stack([x, x]), (1, 2, 3, 0))
    np.testing.assert_array_equal(moved.error[..., 1], error)
    kept: Any = np.where(value > 0.5, x, 0)
    np.testing.assert_array_equal(kept.value, np.where(value > 0.5, value, 0))
    np.testing.assert_array_equal(kept.error, np.where(value > 0.5, error, 0))
    with pytest.raises(TypeError):
        np.sort(x)
