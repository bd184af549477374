"""Writes the equations of a step as formulas, in the symbols of the specification."""

from collections.abc import Mapping

from oracle.network.backward import equations_back
from oracle.network.equations import CELLS, GATES, HEAD, Expression
from reference.contract import NETWORKS, Kind

UNNAMED = ("h", "slope", "through_h", "concat", *(f"slope_{g}" for g in GATES))
"""The quantities of a step back that have no name in messages, but only a formula."""
BACK = "[da_prev; dxt]"
"""The name in messages of `back`, the gradient with respect to the vector that all gates read."""


def equation_of(result: str, network: Kind, activation: str = "tanh") -> str:
    """The equation of a result of a step."""
    table, (Wy, _) = {**CELLS[network], **HEAD}, NETWORKS[network].head
    names = {"Wy": Wy, "tanh": activation}
    if result == "a_out":
        return f"a_next = Wp ({_formula(table['a_next'], table, names)})"
    return f"{result} = {_formula(table[result], table, names)}"


def backward_formula(network: Kind, name: str) -> str:
    """The formula of a quantity of a step back."""
    table = equations_back(network)
    return _formula(table[name], table, {})


def backward_name(network: Kind, name: str) -> str:
    """The name of a quantity of a step back, or the formula of one that has no name."""
    if name in UNNAMED:
        return backward_formula(network, name)
    return BACK if name == "back" else name


def _formula(expression: Expression, table: Mapping[str, Expression], names: Mapping[str, str]) -> str:
    """The formula of an expression; `names` has other names of quantities and operations.

    Quantities that have no name in messages, such as pre-activations, are written as their formulas.
    """
    operation, operands, name = expression.operation, expression.operands, expression.name
    if name in table and (name in UNNAMED or table[name].operation in ("affine", "head", "stack")):
        return _formula(table[name], table, names)
    parts = [_formula(each, table, names) for each in operands]
    match operation:
        case "":
            return names.get(name, name)
        case "stack":
            return f"[{'; '.join(parts)}]"
        case "affine" | "head":
            W, u, _ = operands
            pairs = [(parts[0], parts[1])]
            if W.operation == "beside":
                blocks = zip(W.operands, table[u.name].operands, strict=True)
                pairs = [(one.name, other.name) for one, other in blocks]
            return " + ".join([*(f"{one} {other}" for one, other in pairs), parts[2]])
        case "plus":
            return " + ".join(parts)
        case "times":
            are_sums = [table.get(each.name, each).operation == "tanh_slope" for each in operands]
            return " * ".join(
                f"({part})" if is_sum else part for part, is_sum in zip(parts, are_sums, strict=True)
            )
        case "tanh_slope":
            return f"1 - {parts[0]} ** 2"
        case "sigmoid_slope":
            return f"{parts[0]} * (1 - {parts[0]})"
        case "transposed":
            return f"{parts[0]}.T {parts[1]}"
        case "outer":
            return f"{parts[0]} {parts[1]}.T"
        case "over_samples":
            return f"the sum of {parts[0]} over the samples"
        case "rows_of_state" | "rows_of_input":
            return f"the rows of {'a_prev' if operation == 'rows_of_state' else 'xt'} in {BACK}"
    return f"{names.get(operation, operation)}({parts[0]})"
