"""Errors that are raised are explained by the mistake that raises them, and by nothing else."""

from pathlib import Path

import pytest

from oracle.explanations.claims import mistake
from oracle.faults import mistakes_raising
from oracle.problems.problem import Problem
from properties.explanations.failure import Failure
from properties.implementations.answers import Answers
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.questions.question import Question
from properties.trials.law import Law
from properties.trials.trial import Trial, ViolationError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@pytest.mark.parametrize("sizes", [{"n_x": 1, "n_a": 1, "m": 1}, {"n_x": 2, "n_a": 3, "m": 2}])
def test_a_mistake_that_only_raises_is_named_by_its_error(
    tmp_path: Path, kind: str, sizes: dict[str, int]
) -> None:
    """Takes a second: it is compared with all mistakes."""
    textbook = (Path(__file__).parents[2] / "examples" / "textbook.py").read_text()
    (tmp_path / "appends.py").write_text(
        textbook.replace("caches.append(cache)", "caches = np.append(caches, cache)")
    )
    problem = getattr(Problem, kind)(**sizes, n_y=2, T_x=2)
    with Implementation("appends.py", Settings(directory=tmp_path)) as appends:
        answers = Answers(appends, Question(f"{kind}_forward", [problem]))
        trial = Trial(Law("shapes", "spec", lambda _: None), answers, 0)
        with pytest.raises(ViolationError) as caught:
            _ = trial.answer
        failure = Failure(caught.value)
        assert failure.claims[0] == mistake("cache_made_an_array")
        assert not failure.explanation.inherited
    assert mistakes_raising("rnn_forward", "ValueError", "operands could not be broadcast together") == []


def test_the_key_of_the_other_network_is_a_mistake() -> None:
    assert mistakes_raising("rnn_forward", "KeyError", "'Wy'") == ["head_weights_of_lstm"]
    assert mistakes_raising("lstm_forward", "KeyError", "'Wya'") == ["head_weights_of_rnn"]
    assert mistakes_raising("rnn_forward", "KeyError", "'W'") == []


def test_a_key_that_the_function_has_removed_is_no_wrong_key() -> None:
    assert mistakes_raising("lstm_forward", "KeyError", "'Wy'") == []
    assert mistakes_raising("rnn_forward", "KeyError", "'Wya'") == []
    assert mistakes_raising("lstm_layer", "KeyError", "'Wya'") == []  # which has no head


@pytest.mark.parametrize(
    ("kind", "text", "is_named"),
    [
        ("TypeError", "tanh(): argument 'input' (position 1) must be Tensor, not numpy.ndarray", True),
        ("TypeError", "expected Tensor as element 0 in argument 0, but got numpy.ndarray", True),
        ("TypeError", "mm(): invalid combination of arguments: got (numpy.ndarray, Tensor)", True),
        ("AttributeError", "'numpy.ndarray' object has no attribute 'unsqueeze'", True),
        ("AttributeError", "'numpy.ndarray' object has no attribute 'append'", False),
        ("TypeError", "unhashable type: 'numpy.ndarray'", False),
    ],
)
def test_arrays_that_are_used_as_tensors_are_a_mistake(kind: str, text: str, is_named: bool) -> None:
    assert mistakes_raising("lstm_forward", kind, text) == ["tensors_expected"] * is_named


def test_where_it_is_wrong_otherwise_is_not_told_of_an_error(tmp_path: Path) -> None:
    """Takes a second: it looks for the place of a mistake."""
    (tmp_path / "two.py").write_text(
        "import numpy as np\nfrom reference import lstm_cell_forward as right\n"
        "def lstm_cell_forward(xt, a_prev, c_prev, parameters):\n"
        "    np.max(xt)\n"
        "    a, c, y, cache = right(xt, a_prev, c_prev, parameters)\n"
        "    return a, 0.9375 * c, y, (a, 0.9375 * c, *cache[2:])\n"
    )
    with Implementation("two.py", Settings(directory=tmp_path)) as target:
        problem = Problem.lstm(n_x=1, n_a=1, n_y=1, m=0, T_x=1)
        answers = Answers(target, Question("lstm_cell_forward", [problem]))
        with pytest.raises(ViolationError) as caught:
            _ = Trial(Law("no samples", "robust", lambda _: None), answers, 0).answer
        message = Failure(caught.value).message
        assert "ValueError: zero-size array" in message
        assert "wrong where" not in message


def test_an_error_is_not_explained_by_numbers_of_other_calls(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text(
        "import numpy as np\nfrom reference import lstm_forward as right\n"
        "def lstm_forward(x, a0, parameters):\n"
        "    a, y, c, (caches, x) = right(x, a0, parameters)\n"
        "    caches[0]\n"
        "    return a, y, c, ([(*each[:3], each[1], *each[4:]) for each in caches], x)\n"
    )
    kinds = []
    with Implementation("empty.py", Settings(directory=tmp_path)) as target:
        for name, T_x in (("cache entries", 2), ("no steps", 0)):
            [law] = [each for each in all_laws() if each.name == name]
            problem = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=T_x)
            with pytest.raises(ViolationError) as caught:
                law.check(Trial(law, Answers(target, Question("lstm_forward", [problem])), 0))
            kinds.append([each.kind for each in Failure(caught.value).claims])
    assert kinds == [["cached"], ["raised"]]


def test_an_error_outside_of_the_target_has_no_place_in_the_target(tmp_path: Path) -> None:
    (tmp_path / "built_in.py").write_text("rnn_forward = divmod\n")
    with Implementation("built_in.py", Settings(directory=tmp_path)) as target:
        answers = Answers(target, Question("rnn_forward", [Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1)]))
        with pytest.raises(ViolationError) as caught:
            _ = Trial(Law("shapes", "spec", lambda _: None), answers, 0).answer
        facts = Failure(caught.value).facts
    assert facts["raised"]["type"] == "TypeError"
    assert "at" not in facts
