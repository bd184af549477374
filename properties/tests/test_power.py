"""Every mistake of the catalogue is caught, named, and shown on a small problem."""

import pytest

from oracle.explanations.claims import mistake
from oracle.faults import FAULTS, mistakes_in
from oracle.tests.selection import chosen
from properties.explanations.failure import Failure
from properties.tests.one_law import FIRST, InProcess, by_power, catch, first_catch
from reference.contract import CONTRACTS, FUNCTIONS

MISTAKES = [
    (function, fault.name)
    for function in CONTRACTS
    for fault in mistakes_in(function)
    if function in FUNCTIONS or not {*FUNCTIONS} & {*fault.functions}
]
"""Of those that can be made in a cell as well, it is enough to see them there."""


def function_and_group(case: tuple[str, str]) -> tuple[str, str]:
    """The function of a case, and the group of its mistake."""
    function, name = case
    return function, FAULTS[name].group


CHOSEN = chosen(MISTAKES, function_and_group)

SMALL = {
    "update_and_forget_gates_exchanged": "lstm_forward",
    "output_bias_doubled": "lstm_forward",
    "x_above_a": "rnn_forward",
    "a_weights_transposed": "lstm_forward",
    "c0_is_a0": "lstm_forward",
    "c_view_cached": "lstm_forward",
    "head_bias_missing": "rnn_forward",
    "softmax_over_samples": "rnn_cell_forward",
    "time_reversed": "lstm_forward",
    "first_sample_for_all": "rnn_forward",
    "reads_unwritten_slot": "rnn_forward",
    "samples_reversed": "lstm_cell_forward",
    "loop_over_samples": "rnn_forward",
    "a_reused": "lstm_forward",
}
"""Mistakes that show where no size is above 2, the six most usual first, and a function that makes each.

The only ones in the catalogue that may need more show in large numbers alone, which the seed must bring
about: z_clipped, c_clipped, one_maximum, maximum_of_all_steps.
"""


@pytest.mark.parametrize(("function", "name"), CHOSEN)
def test_every_mistake_breaks_a_law_and_is_named(function: str, name: str) -> None:
    caught = first_catch(FAULTS[name], function, 0)
    assert caught
    assert Failure(caught.violation).claims[0] == mistake(name)


@pytest.mark.parametrize("name", SMALL)
def test_counterexamples_are_small(name: str) -> None:
    found = first_catch(FAULTS[name], SMALL[name], 1)
    assert found
    smallest = catch(found.law, InProcess(FAULTS[name]), SMALL[name], 1, shrink=True)
    assert smallest
    problem = smallest.violation.trial.problem
    assert max(problem.sizes.values()) <= 2


def test_the_laws_that_come_first_exist() -> None:
    assert [law.name for law in by_power()][: len(FIRST)] == list(FIRST)
    assert {law.grade for law in by_power()} == {"spec", "robust"}


def test_a_search_depends_on_its_seed_alone() -> None:
    searches = [first_catch(FAULTS["head_bias_missing"], "rnn_forward", number) for number in (2, 2, 3)]
    one, same, other = (found and (found.problems, found.violation.trial.problem) for found in searches)
    assert one == same != other
