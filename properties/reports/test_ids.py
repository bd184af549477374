"""What a test's id names: the law, the function and the implementation."""

from reference.contract import CONTRACTS


def implementation_in(nodeid: str) -> str:
    """The part of a test's id that stands for the implementation: `"my_rnn.py"`."""
    parameters = nodeid.partition("[")[2].removesuffix("]")
    for function in CONTRACTS:
        parameters = parameters.removesuffix(f"-{function}")
    return parameters


def function_in(nodeid: str) -> str:
    """The function that a test's id names: `"rnn_forward"`; empty where it names none."""
    named = nodeid.removesuffix("]")
    return next((function for function in CONTRACTS if named.endswith(f"-{function}")), "")


def law_in(nodeid: str) -> str:
    """The law that a test's id names: `"each step"`."""
    test = nodeid.partition("[")[0].rpartition("::")[2]
    return test.removeprefix("test_").replace("_", " ")
