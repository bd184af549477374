"""The API for Python: what `judge` returns, and what the test cases of `laws` do."""

from collections.abc import Callable
from pathlib import Path

import pytest

import rnn_crosscheck
from oracle.tests import torch_modules_of_users
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.reports.judgement import judgements
from properties.session import api
from properties.session.api import judge, laws
from properties.tests.results import failed, passed, skipped
from properties.tests.runs import CLONE

pytestmark = pytest.mark.slow

MISTAKE = "oracle.faults:update_and_forget_gates_exchanged"


def test_a_target_is_judged_from_python() -> None:
    """Takes seconds: a process of its own imports PyTorch, and explains a failure."""
    judged = judge(MISTAKE, "-k", "lstm_cell_forward and each_step", "--hypothesis-profile=quick")
    assert judged.verdict == judged.verdict_on("lstm_cell_forward") == "differs"
    (failure,) = judged.failures()
    assert judged.failures("lstm_cell_forward") == [failure]
    assert not judged.failures("lstm_forward")
    assert failure.findings[0].is_mistake
    assert failure.counterexample.startswith("Problem.lstm(")


@pytest.mark.parametrize(
    ("target", "options", "why"),
    [
        (Path("no_such.py"), (), "no_such.py"),
        ("reference", ("--hypothesis-profile=none",), "none"),
    ],
)
def test_what_the_command_refuses_is_an_error_with_its_words(
    target: str | Path, options: tuple[str, ...], why: str, forked: None
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        judge(target, *options)
    assert "Traceback" not in str(caught.value)
    assert not str(caught.value).startswith("ERROR")


def test_the_laws_of_a_module_are_test_cases_of_its_layer(forked: None) -> None:
    """Takes a second: two runs of the command."""
    target = f"{torch_modules_of_users.__file__}:BatchFirst"
    _, cases = laws(target, "-k", "test_shapes", "--hypothesis-profile=quick").args  # type: ignore[attr-defined]
    assert [case.id for case in cases] == ["shapes of lstm_layer", "shapes of lstm_layer_backward"]
    for case in cases:
        case.values[0]()


COLLECTED = """
properties/laws/test_interface.py::test_can_be_used[mine]
properties/laws/test_shapes.py::test_shapes[mine-rnn_forward]
properties/laws/test_shapes.py::test_shapes[mine-lstm_forward]
properties/laws/test_ranges.py::test_ranges[mine-lstm_forward]
properties/laws/test_parts.py::test_split[mine-lstm_forward]
properties/laws/test_parts.py::test_split[mine-rnn_forward]
properties/laws/test_robustness.py::test_empty[mine-rnn_forward]

7/141 tests collected (134 deselected) in 0.26s
"""


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], None]]:
    """The test cases of a target of which some laws hold, one does not, and one says nothing."""
    results = [
        passed("mine", "can be used", ""),
        passed("mine"),
        failed("mine", "shapes", "lstm_forward"),
        skipped("mine", "ranges", "lstm_forward"),
        failed("mine", "split", "lstm_forward", expected="known"),
        passed("mine", "split", expected="stale"),
        skipped("mine", "empty", expected="stale"),
    ]
    (judged,) = judgements(results)
    api._results.cache_clear()
    monkeypatch.setattr(api, "_run", lambda *_: (0, COLLECTED))
    monkeypatch.setattr(api, "_judge", lambda _: judged)
    mark = laws("mine", "-k", "some").mark  # type: ignore[attr-defined]
    return {str(case.id): case.values[0] for case in mark.args[1]}


def test_a_case_is_named_by_its_law_and_function(cases: dict[str, Callable[[], None]]) -> None:
    assert [*cases] == [
        "can be used",
        *(f"{law}_forward" for law in ("shapes of rnn", "shapes of lstm", "ranges of lstm")),
        *(f"{law}_forward" for law in ("split of lstm", "split of rnn", "empty of rnn")),
    ]


def test_a_law_that_holds_passes(cases: dict[str, Callable[[], None]]) -> None:
    cases["can be used"]()
    cases["shapes of rnn_forward"]()


def test_a_law_that_does_not_hold_fails_with_its_message(cases: dict[str, Callable[[], None]]) -> None:
    with pytest.raises(pytest.fail.Exception, match="lstm_forward of mine: shapes"):
        cases["shapes of lstm_forward"]()


def test_a_law_that_says_nothing_is_skipped(cases: dict[str, Callable[[], None]]) -> None:
    with pytest.raises(pytest.skip.Exception, match="mine has no lstm_forward"):
        cases["ranges of lstm_forward"]()


def test_a_failure_that_is_expected_is_an_xfail(cases: dict[str, Callable[[], None]]) -> None:
    with pytest.raises(pytest.xfail.Exception, match="known"):
        cases["split of lstm_forward"]()


def test_a_law_that_does_not_fail_as_expected_fails(cases: dict[str, Callable[[], None]]) -> None:
    for case, status in (("split of rnn_forward", "passed"), ("empty of rnn_forward", "skipped")):
        with pytest.raises(pytest.fail.Exception, match=rf"expected to fail \(stale\), but it {status}"):
            cases[case]()


def test_an_expected_failure_of_no_law_is_an_error_where_the_cases_are_made(
    forked: None, tmp_path: Path
) -> None:
    (tmp_path / "known.toml").write_text(
        '[[failure]]\nlaw = "shape"\nfunction = "rnn_forward"\nreason = "x"\n'
    )
    options = ("-k", "test_shapes", "--expected-failures", str(tmp_path / "known.toml"))
    with pytest.raises(
        ValueError, match=r"^expected to fail: 'shape' on rnn_forward, but there is no such law"
    ):
        laws("reference", *options)


def test_a_file_that_makes_cases_of_itself_starts_no_run_in_turn(tmp_path: Path) -> None:
    """Takes a second: the target starts the command."""
    lines = (
        f"import sys; sys.path.append({str(CLONE)!r})",
        "from rnn_crosscheck import laws",
        "class Own:",
        "    def rnn_forward(self, x, a0, parameters): ...",
        "@laws(__file__ + ':Own')",
        "def test_own(law): law()",
    )
    (tmp_path / "test_own.py").write_text("\n".join(lines))
    with Implementation("test_own.py:Own", Settings(directory=tmp_path, import_time_limit=100)) as own:
        (note,) = own.load().notes
    assert note == "skipped line 6: ValueError: the process of a target starts no run of rnn-crosscheck"


def test_what_is_selected_are_the_cases(forked: None) -> None:
    mark = laws("reference", "-k", "test_shapes and rnn_forward").mark  # type: ignore[attr-defined]
    assert [case.id for case in mark.args[1]] == ["shapes of rnn_forward"]


def test_a_target_that_does_not_exist_is_an_error_where_the_cases_are_made(forked: None) -> None:
    with pytest.raises(ValueError, match=r"no_such\.py"):
        laws("no_such.py")


def test_the_package_lists_what_it_has() -> None:
    assert dir(rnn_crosscheck) == sorted(rnn_crosscheck.__all__)
    assert all(callable(getattr(rnn_crosscheck, name)) for name in dir(rnn_crosscheck) if name != "layout")
