"""What the command prints about an option that it does not have, or that has a wrong value."""

import pytest

from properties.tests.runs import run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--reprot", "x.html"),
            "ERROR: unrecognized arguments: --reprot (see rnn-crosscheck --help); did you mean '--report'?",
        ),
        (
            ("--time-limit", "abc"),
            "ERROR: argument --time-limit: invalid float value: 'abc' (see rnn-crosscheck --help)",
        ),
        (
            ("--html", "x.html"),
            "ERROR: unrecognized arguments: --html (see rnn-crosscheck --help); "
            "did you mean --report FILE.html?",
        ),
        (("--zzz",), "ERROR: unrecognized arguments: --zzz (see rnn-crosscheck --help)"),
        (("-m", "not spek"), "ERROR: -m spek: the grades are spec and robust; did you mean 'spec'?"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, program="rnn-crosscheck")
    assert (done.status, done.output.strip()) == (pytest.ExitCode.USAGE_ERROR, message)
