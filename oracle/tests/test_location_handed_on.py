"""What layers carry from step to step, hand on, and take lengths for."""

from types import SimpleNamespace
from typing import Any

import pytest

from oracle.location.in_layers import locate_in_layers
from oracle.problem import LayerProblem
from oracle.tests.strangers import LAYERS, Stranger
from oracle.tests.strangers.located import Asked, located

USUAL: dict[str, Any] = {
    "n_x": 2,
    "n_a": 3,
    "m": 3,
    "T_x": 3,
    "layers": 1,
    "lengths": "absent",
    "regime": "unit",
    "seed": 1,
}


def said_of(old: str, new: str, **instead: Any) -> str:
    """What is said of an RNN layer with one edit."""
    problem = LayerProblem("rnn_layer", **{**USUAL, **instead})
    return located(Stranger("", "rnn_layer", ((old, new),), "", "", "", str(problem), ""))[0]


STEP = '    return np.maximum(z, 0) if activation == "relu" else np.tanh(z)\n'
OUT = "        out[:, :, t] = np.where(alive, a_next, 0)\n"


def test_arguments_that_are_carried_are_told() -> None:
    old = "        a = np.where(alive, a_next, a)\n"
    carried = '        z = p["Waa"] @ a + p["Wax"] @ xt + p["ba"] if c is None else a_next\n'
    said = said_of(old, f"{carried}        a = np.where(alive, z, a)\n")
    assert "when: from step 1 on" in said
    assert said.endswith("as if z were made with z of the step before for a_prev")


def test_states_that_are_handed_on_one_step_late_are_told() -> None:
    old = "        x = np.concatenate(hidden)\n"
    late = "        above = layer < layers - 1 and D == 1\n"
    late += "        late = np.concatenate([a0[layer][:, :, None], hidden[0][:, :, :-1]], axis=2)\n"
    said = said_of(old, late + "        x = late if above else np.concatenate(hidden)\n", layers=2)
    assert (
        "what a layer hands on is not its hidden states  when: of 2 layers or more, in one direction" in said
    )
    assert said.endswith("how: of each step the state before it")


def test_states_that_are_handed_on_scaled_are_told() -> None:
    old = "        x = np.concatenate(hidden)\n"
    new = "        x = (0.8 if layer < layers - 1 else 1) * np.concatenate(hidden)\n"
    said = said_of(old, new, layers=2)
    assert said.endswith("its hidden states  when: of 2 layers or more  how: 0.8 times these")


def test_a_length_of_one_that_is_taken_for_none_is_told() -> None:
    said = said_of(
        "        alive = t < lengths\n", "        alive = (t < lengths) | (lengths == 1)\n", lengths="random"
    )
    assert said.endswith("when: where any is 1 and T_x is more  how: as if those of 1 were T_x")


def test_parameters_of_the_last_layer_in_all_but_the_first_are_told() -> None:
    late = "parameters[(layers - 1) * D + d if layer else k], lengths"
    said = said_of("parameters[k], lengths", late, layers=3)
    assert said.endswith("how: each layer but the first has those of the last one")


def test_what_is_infinite_does_not_hide_what_belongs_elsewhere() -> None:
    said = said_of("parameters[k], lengths", "parameters[k - d], lengths", directions=2, regime="nonfinite")
    assert said.endswith(
        "are not its own  when: in two directions  how: each backward direction has those of the forward one"
    )


def test_lengths_that_are_taken_as_shares_of_the_longest_are_told() -> None:
    old = "np.asarray(lengths)\n"
    said = said_of(old, "np.round(np.asarray(lengths) / max(lengths) * T_x)\n", lengths="random")
    assert "the lengths are not those that are given  when: where all are less than T_x" in said


def test_inputs_that_are_kept_where_they_move_by_little_are_told() -> None:
    old = "        xt = x[:, :, t]\n"
    kept = "        xt = x[:, :, t] if k == 0 else np.where(np.abs(x[:, :, t] - xt) > 0.1, x[:, :, t], xt)\n"
    said = said_of(old, kept)
    assert said.endswith("made with xt that is kept where it has moved by at most 0.1 since")


def test_biases_of_the_first_tile_are_told() -> None:
    old = 'p["Wax"] @ xt + p["ba"]'
    said = said_of(old, 'p["Wax"] @ xt + p["ba"][np.arange(len(p["ba"])) % 2]')
    assert "when: from unit 2 on" in said
    assert said.endswith("as if z were made with ba of unit k that of unit k mod 2")


def test_an_activation_is_not_taken_for_lengths() -> None:
    """Where relu is right, few networks with lengths that differ show a mistake of some units alone."""
    twice = "    z2 = np.tanh(z)\n    n, r = len(z), len(z) % 4\n    if n > 4 and r:\n"
    twice += "        z2[n - 4:n - r] = np.tanh(z2[n - 4:n - r])\n"
    one_number = {"n_x": 1, "m": 1, "T_x": 1, "regime": "ternary", "seed": 0}
    said = said_of(STEP, twice + STEP.replace("np.tanh(z)", "z2"), n_a=5, **one_number)
    assert "with tanh" in said
    assert "lengths" not in said


def test_sequences_that_are_taken_to_end_where_x_does_are_told() -> None:
    said = said_of("        alive = t < lengths\n", "        alive = t >= T_x - lengths\n", lengths="random")
    assert "the steps of a sequence are not the first ones that are given" in said
    assert said.endswith("how: they are taken to be the last ones, and a is 0 before them")


def test_a_length_that_is_passed_over_for_one_sample_is_told() -> None:
    old = "    lengths = np.full(m, T_x) if lengths is None else"
    said = said_of(old, old.replace("lengths is None", "lengths is None or m == 1"), lengths="random", m=1)
    assert "when: where m = 1 and its length is less than T_x" in said


def test_the_form_of_a_relu_is_said_of_every_precision() -> None:
    """Where the right value is 0 its bound is 0, and a number of float32 still rounded."""
    said = said_of(STEP, STEP.replace("np.maximum(z, 0)", "np.abs(z)"), activation="relu")
    assert said.endswith("how: |z| in the place of max(0, z)")


def test_hidden_states_of_one_direction_in_the_place_of_two_are_told() -> None:
    edits = (
        ("                x, a0[k]", "                np.concatenate([below[d]] * D) if layer else x, a0[k]"),
        ("        x = np.concatenate(hidden)\n", "        x, below = np.concatenate(hidden), hidden\n"),
    )
    problem = LayerProblem("rnn_layer", **{**USUAL, "layers": 2, "directions": 2})
    said = located(Stranger("", "rnn_layer", edits, "", "", "", str(problem), ""))[0]
    assert "in a layer above another, in a forward direction beside a backward one: a_next" in said
    assert said.endswith("made with the hidden states of its own direction below, twice, for xt")


def test_a_projection_that_is_wrong_of_many_units_is_any() -> None:
    problem = LayerProblem("lstm_layer", **{**USUAL, "n_a": 18, "n_p": 18})
    old = '        a_next = p["Wp"] @ a_next\n'
    of_last = (
        "        for s in range(0, len(c_next), 16):\n"
        '            a_next = p["Wp"][:, s : s + 16] @ (ot * np.tanh(c_next))[s : s + 16]\n'
    )
    said = located(Stranger("", "lstm_layer", ((old, of_last),), "", "", "", str(problem), ""))[0]
    assert "wrong where: with a projection: a_next" in said
    assert said.endswith("made with ot * tanh(c_next) with 0 for all rows but those of the last block of 16")


def test_lengths_that_are_not_asked_for_where_the_longest_is_that_of_x_are_told() -> None:
    new = "        alive = (t < lengths) | (lengths.max() == T_x)\n"
    said = said_of("        alive = t < lengths\n", new, lengths="random")
    assert said.endswith("another is less  how: as if none were given, for the longest is T_x")


def test_a_backward_direction_that_takes_no_step_is_told() -> None:
    new = "        alive = t < lengths\n        if not alive.any():\n            break\n"
    said = said_of("        alive = t < lengths\n", new, directions=2, lengths="random", seed=3)
    assert "the backward direction takes no step  when: in two directions, where all lengths are less" in said


def test_states_of_the_direction_before_are_told_of_layers_above_another() -> None:
    said = said_of("x, a0[k], ", "x, a if layer else a0[k], ", layers=2, directions=2)
    assert "when: of 2 layers or more  how: of a layer above another what the layer or direction be" in said


def test_directions_that_are_counted_over_all_layers_are_told() -> None:
    said = said_of("d == 1, activation", "k >= layers, activation", layers=2, directions=2)
    assert said.endswith(
        "a layer and direction does not run in its own direction  when: of 2 layers or more, in two "
        "directions, where T_x is more than 1  how: the first half of all run forward, the others backward"
    )


def test_hidden_states_of_the_step_before_are_told_of_both_directions() -> None:
    new = "        first = np.concatenate(a0[layer * D : layer * D + D])[:, :, None]\n"
    new += "        x = np.concatenate(hidden)\n"
    new += "        x = np.concatenate([first, x], axis=2)[:, :, :-1] if layer < layers - 1 else x\n"
    said = said_of("        x = np.concatenate(hidden)\n", new, layers=2)
    assert said.endswith(
        "2 layers or more  how: of each step those of the step before, in time, and at step 0 "
        "the initial ones"
    )


def test_inputs_of_the_last_block_that_is_read_from_its_end_are_told() -> None:
    old = "        t = T_x - 1 - k if backward else k\n        xt = x[:, :, t]\n"
    new = "        t = T_x - 1 - k if backward else k\n"
    new += "        xt = x[:, :, t - -T_x % 8 if T_x > 8 and t >= T_x // 8 * 8 else t]\n"
    said = said_of(old, new, T_x=13)
    assert "T_x > 8 (right at 8, wrong at 9) and only the last T_x mod 8 steps" in said
    assert said.endswith("how: as if z were made with xt of (-T_x) mod 8 steps before")


def test_last_states_that_are_read_beyond_an_end_are_right_where_there_is_nothing_beyond() -> None:
    said = said_of(
        "            a_last.append(a)\n", "            a_last.append(out[:, :, -1])\n", lengths="random"
    )
    assert "when: in two directions, or where any length is less than T_x  how: what is returned for" in said


def test_an_activation_after_the_projection_is_told() -> None:
    old = '    a_next = ot * np.tanh(c_next)\n    if "Wp" in p:\n        a_next = p["Wp"] @ a_next\n'
    new = '    a_next = np.tanh(p["Wp"] @ (ot * c_next)) if "Wp" in p else ot * np.tanh(c_next)\n'
    problem = LayerProblem("lstm_layer", **{**USUAL, "n_p": 2})
    said = located(Stranger("", "lstm_layer", ((old, new),), "", "", "", str(problem), ""))[0]
    assert said.endswith("how: made with tanh after Wp, of ot * c_next, for ot * tanh(c_next)")


def test_steps_that_are_left_out_once_a_state_stands_still_are_told() -> None:
    """In one problem of hundreds; that its recurrent weights are 0 is no condition."""
    old = "        alive = t < lengths\n"
    rest = "slice(0, t + 1) if backward else slice(t, T_x)"
    new = f"        if np.array_equal(a_next, a):\n            rest = {rest}\n"
    new += "            alive = np.arange(T_x)[rest] < lengths[:, None]\n"
    new += "            out[:, :, rest] = np.where(alive, a_next[:, :, None], 0)\n            break\n" + old
    sizes = {"n_x": 2, "n_a": 1, "m": 2, "T_x": 3}
    said = said_of(old, new, **sizes, activation="relu", lengths="equal", regime="ternary", seed=197)
    assert said.endswith(
        "the largest |a - a_prev| of all samples in the step before = 0  how: the value of a_prev"
    )


@pytest.mark.parametrize(("place", "which", "seed"), [(-1, "the last sample", 8), (0, "sample 0", 0)])
def test_lengths_that_are_not_asked_for_where_one_sample_has_all_steps_are_told(
    place: int, which: str, seed: int
) -> None:
    new = f"        alive = (t < lengths) | (lengths[{place}] == T_x)\n"
    said = said_of("        alive = t < lengths\n", new, m=4, lengths="with T_x", seed=seed)
    assert said.endswith(f"another is less  how: as if none were given, for that of {which} is T_x")


def test_one_array_for_all_absent_states_is_told() -> None:
    old = "    a0 = np.zeros((layers * D, n_h, m), x.dtype) if a0 is None else a0\n"
    new = "    shared = np.zeros((n_h, m), x.dtype)\n    is_absent = a0 is None\n"
    new += "    a0 = [shared] * (layers * D) if a0 is None else a0\n"
    program = LAYERS.replace(old, new).replace("            a_last.append(a)\n", OF_ONE_ARRAY)
    made: dict[str, Any] = {}
    exec(compile(program, "one_array", "exec"), made)
    asked = Asked("rnn_layer", lambda: SimpleNamespace(**made))
    found = locate_in_layers(
        "rnn_layer", asked, LayerProblem("rnn_layer", **{**USUAL, "layers": 2}), asked.anew
    )
    assert found
    assert found.where == "a0, where absent, is one array for all layers and directions"
    assert found.when == "of several layers or directions"


OF_ONE_ARRAY = """            if is_absent:
                shared[...] = a
                a = shared
            a_last.append(a)
"""


def test_a_length_that_has_to_be_that_of_one_sample_is_not_said_to_be_any() -> None:
    new = "parameters[k if lengths[0] == T_x else k - d]"
    said = said_of("parameters[k], lengths", f"{new}, lengths", directions=2, m=4, lengths="random", seed=1)
    assert "how: each backward direction has those of the forward one" in said
    assert "any length" not in said


def test_lengths_that_are_those_of_x_are_told_from_none() -> None:
    new = "parameters[k - d if (lengths == T_x).all() else k]"
    said = said_of("parameters[k], lengths", f"{new}, lengths", directions=2)
    assert "in two directions, where no length is less than T_x" in said
