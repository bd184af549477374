"""The standard error of a process is read, kept in part, and shown when the process has died."""

import os
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.implementations.calls import Died, Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process import STDERR_BYTES, STDERR_LINES, StderrTail
from properties.worker.targets import Unusable

Misbehave = Callable[..., Implementation]
Implement = Callable[..., Implementation]


def last_words(outcome: object) -> str:
    assert isinstance(outcome, Died), outcome
    return outcome.stderr


lines = st.builds(lambda line, times: line * times, st.binary(max_size=20), st.integers(1, STDERR_BYTES))


@given(st.lists(lines, max_size=5))
def test_the_end_is_kept_whatever_is_written_and_little_of_it(written: list[bytes]) -> None:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as pipe:
        words = StderrTail(pipe)
        with open(writer, "wb", buffering=0) as end:
            for part in written:
                end.write(part)
                assert words.read()
        assert not words.read()
        shown = str(words).split("\n")
    assert len(shown) <= STDERR_LINES
    assert len(str(words)) <= STDERR_BYTES
    everything = b"".join(written)[-STDERR_BYTES:].decode(errors="replace").splitlines()
    assert shown[-1] == next((line.rstrip() for line in reversed(everything) if line.strip()), "")


def test_the_last_lines_of_a_process_that_dies_are_kept(misbehave: Misbehave) -> None:
    body = """
import os, sys
for i in range(9): print("line", i, file=sys.stderr)
os.write(2, b"malloc(): corrupted top size")
os.abort()
"""
    outcome = misbehave(body).call("rnn_forward", [0, 0, {}])
    assert last_words(outcome) == "line 5\nline 6\nline 7\nline 8\nmalloc(): corrupted top size"


def test_what_an_earlier_call_has_written_is_not_said_of_a_death(misbehave: Misbehave) -> None:
    implementation = misbehave("import os, sys\nprint('a warning', file=sys.stderr)\nif x: os._exit(x)")
    assert isinstance(implementation.call("rnn_forward", [0, 0, {}]), Returned)
    assert last_words(implementation.call("rnn_forward", [3, 0, {}])) == "a warning"
    implementation = misbehave("import os, sys\nif x: os._exit(x)\nprint('a warning', file=sys.stderr)")
    assert isinstance(implementation.call("rnn_forward", [0, 0, {}]), Returned)
    assert last_words(implementation.call("rnn_forward", [3, 0, {}])) == ""


def test_who_writes_more_than_a_pipe_holds_is_not_held_up(misbehave: Misbehave) -> None:
    implementation = misbehave("import os\nfor i in range(99): os.write(2, bytes(2**17))\nreturn 1")
    outcome = implementation.call("rnn_forward", [0, 0, {}])
    assert isinstance(outcome, Returned)
    assert outcome.value == 1


def test_who_writes_for_ever_is_late(misbehave: Misbehave) -> None:
    """Takes the time limit: even on a busy machine, the process must write something in this time."""
    body = "import os\nwhile True: os.write(2, b'no end\\n' * 9999)"
    outcome = misbehave(body, time_limit=1).call("rnn_forward", [0, 0, {}])
    assert outcome == Died("did not answer within 1 s")
    assert "no end\nno end" in last_words(outcome)


def test_nothing_is_read_again_and_again_where_no_more_will_come(
    misbehave: Misbehave, monkeypatch: pytest.MonkeyPatch
) -> None:
    listened = Counter[str]()
    read = StderrTail.read

    def counted(words: StderrTail) -> bool:
        listened["times"] += 1
        return read(words)

    monkeypatch.setattr(StderrTail, "read", counted)
    implementation = misbehave("import os, time; os.close(2)\ntime.sleep(0.3)\nreturn 1")
    assert isinstance(implementation.call("rnn_forward", [0, 0, {}]), Returned)
    assert listened["times"] < 10


@pytest.mark.parametrize("ending", ["return 1", "import os; os._exit(3)"])
def test_who_closes_its_standard_error_answers_or_dies_as_ever(misbehave: Misbehave, ending: str) -> None:
    outcome = misbehave(f"import os; os.close(2)\n{ending}").call("rnn_forward", [0, 0, {}])
    assert outcome in (Returned(1, [0, 0, {}], False), Died("exited with status 3"))


def test_the_last_line_of_an_import_that_dies_is_told(implement: Implement) -> None:
    implementation = implement("import os; os.write(2, b'no such device'); os._exit(7)")
    with pytest.raises(Unusable, match="exited with status 7 while it was loaded: no such device"):
        implementation.load()
