"""The functions in which a mistake is made: `LSTM(name, sentence)` is an entry without changed equations."""

from collections.abc import Callable

from oracle.faults.fault import Fault
from reference import contract


def made_in(*functions: str) -> Callable[[str, str], Fault]:
    """The entry, from its name and its sentence, of a mistake in `functions`; no equation is changed yet."""
    return lambda name, sentence: Fault(name, "", sentence, {function: {} for function in functions})


ALL = made_in(*contract.FUNCTIONS)  # the four functions, not layers, which have no predictions
LSTM = made_in("lstm_cell_forward", "lstm_forward")
LSTM_FORWARD = made_in("lstm_forward")
FORWARDS = made_in(*contract.SEQUENCE_FORWARDS)  # not cells, which have no time
LAYERS = made_in(*contract.LAYERS)  # what only layers have, such as directions and lengths
RNN_LAYER = made_in("rnn_layer")
LSTM_LAYER = made_in("lstm_layer")
EVERY = made_in(*contract.FUNCTIONS, *contract.LAYERS)  # an equation of a step: no function is without it
EVERY_RNN = made_in("rnn_cell_forward", "rnn_forward", "rnn_layer")
EVERY_LSTM = made_in("lstm_cell_forward", "lstm_forward", "lstm_layer")
SEQUENCES = made_in(*contract.SEQUENCE_FORWARDS, *contract.LAYERS)
