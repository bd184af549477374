"""The catalogue of mistakes that people make. Each mistake is the specification with one change.

Every entry is an attribute of this module, and an implementation that the laws can judge:
`rnn-crosscheck oracle.faults:update_and_forget_gates_exchanged`. Mistakes that always raise have no entry:
`mistakes_raising` recognises these by their errors.
"""

import re
from collections.abc import Mapping

from oracle.faults.catalogue import COMMON, COMMON_IN_LAYERS, FAULTS, RARE
from oracle.faults.catalogue.remedies import REMEDIES
from oracle.faults.fault import Fault
from reference.contract import CONTRACTS

__all__ = ["COMMON", "ERRORS", "FAULTS", "RARE", "Fault"]

_CACHE_SIZES = "|".join(str(len(contract.cache) + 1) for contract in CONTRACTS.values() if contract.cache)

ERRORS: Mapping[str, tuple[str, str, str]] = {
    "cache_made_an_array": (
        "a cache is made into an array, as by np.append(caches, cache) in place of caches.append(cache)",
        "ValueError",
        rf"inhomogeneous shape after 1 dimensions.* was \((?:{_CACHE_SIZES}),\)",
    ),
    "head_weights_of_lstm": (
        "an RNN's head weights have the key Wya; Wy is the key of an LSTM",
        "KeyError",
        "^'Wy'$",
    ),
    "head_weights_of_rnn": (
        "an LSTM's head weights have the key Wy; Wya is the key of an RNN",
        "KeyError",
        "^'Wya'$",
    ),
    "tensors_expected": (
        "the arguments are used as tensors, but they are NumPy arrays",
        "TypeError|AttributeError",
        r"Tensor.*numpy\.ndarray|numpy\.ndarray.*Tensor|'numpy\.ndarray' object has no attribute "
        "'(chunk|device|mm|matmul|new_zeros|permute|sigmoid|softmax|tanh|unsqueeze)'",
    ),
}
"""The mistakes that always raise: the sentence, and patterns of the type and the text of the error."""


def mistakes_raising(function: str, type: str, text: str) -> list[str]:
    """The names of the mistakes that raise an error of this type and text in a function.

    A key that the parameters of the function have is no wrong key: the function has removed it.
    """
    contract = CONTRACTS[function]
    if type == "KeyError" and (contract.is_layer or text.strip("'") in contract.parameters):
        return []
    known = ((name, *patterns) for name, (_, *patterns) in ERRORS.items())
    return [name for name, kind, words in known if re.fullmatch(kind, type) and re.search(words, text)]


def mistakes_in(function: str) -> list[Fault]:
    """The mistakes of `function`, in the order of the catalogue."""
    return [fault for fault in FAULTS.values() if function in fault.functions]


def common_mistakes(function: str) -> list[Fault]:
    """The most common mistakes of `function`, which the diagnosis also tries in pairs.

    Of the backward pass of a cell, these are all mistakes; of others, those that the cell cannot make.
    """
    contract, known = CONTRACTS[function], mistakes_in(function)
    if contract.is_backward:
        cell = f"{contract.kind}_cell_backward"
        return [fault for fault in known if contract.is_cell or cell not in fault.functions]
    names = COMMON_IN_LAYERS if contract.is_layer else COMMON
    return [fault for fault in known if fault.name in names]


def sentence(name: str) -> str:
    """The sentence of a mistake, for the line "looks like"."""
    return ERRORS[name][0] if name in ERRORS else {**FAULTS, **RARE}[name].sentence


def remedy(name: str) -> str:
    """One line that says how to mend a mistake; empty if the sentence of the mistake says so."""
    return REMEDIES.get(name, "")


globals().update(FAULTS)
