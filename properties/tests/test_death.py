"""Tests what ends a worker, which processes end with it, and the messages about it."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from properties.implementations import implementation, process_end, process_start
from properties.implementations.calls import Died, Raised, Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import FORKS, Settings

pytestmark = pytest.mark.slow

Misbehave = Callable[..., Implementation]


def call(implementation: Implementation, function: str = "rnn_forward") -> Returned | Raised | Died:
    return implementation.call(function, [np.ones((2, 3)), 0, {}])


PATIENCE = 60.0
"""Seconds that are enough on any machine; no test takes as long unless it fails."""

IGNORES_SIGNALS = """
import signal, time
for number in range(1, 32):
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
time.sleep(60)
"""
HANGS_UP = """
import os
for descriptor in range(3, 256):
    try: os.close(descriptor)
    except OSError: pass
while True: pass
"""
NO_MEMORY_FOR_AN_ANSWER = """
class Meta(type): ...
def module(cls): raise MemoryError
Meta.__module__ = property(module)
return Meta("Odd", (), {})()
"""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import os; os._exit(3)", "exited with status 3"),
        ("import os; os._exit(0)", "exited with status 0"),
        ("import ctypes; ctypes.string_at(0)", "was killed by SIGSEGV (target.py:3 in rnn_forward)"),
        ("import os; os.abort()", "was killed by SIGABRT (target.py:3 in rnn_forward)"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "did not answer within 0.5 s"),
        ("while True: pass", "did not answer within 0.5 s"),
        (IGNORES_SIGNALS, "did not answer within 0.5 s"),
        ("import os; os.closerange(3, 256)", "closed the connection that its answer goes through"),
        (HANGS_UP, "closed the connection that its answer goes through"),
        (NO_MEMORY_FOR_AN_ANSWER, "used more than 0.5 GiB of memory"),
    ],
)
def test_a_death_is_told(misbehave: Misbehave, body: str, reason: str) -> None:
    limit = 0.5 if "did not answer" in reason else PATIENCE
    assert call(misbehave(body, time_limit=limit, memory_limit=2**29)) == Died(reason)


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ("while True: pass", "target.py:3 in rnn_forward"),
        ("import numpy\nwhile True: numpy.vstack([x[0], x[0]])", "target.py:4 in rnn_forward"),
        ("import queue; queue.Queue().get()", "target.py:3 in rnn_forward"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", ""),
    ],
)
def test_where_it_hangs_is_told(misbehave: Misbehave, body: str, at: str) -> None:
    """Takes the time limit: even on a busy machine, the call must reach the line in this time."""
    died = call(misbehave(body, time_limit=1.0))
    assert isinstance(died, Died)
    assert (died.hung, died.at) == (True, at)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such signals")
def test_a_signal_without_a_name_is_told_by_its_number(misbehave: Misbehave) -> None:
    body = "import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)"
    assert call(misbehave(body)) == Died(f"was killed by signal {signal.SIGRTMIN + 1}")


def test_recursion_without_end_is_an_exception(misbehave: Misbehave) -> None:
    outcome = call(misbehave("return rnn_forward(x, a0, parameters)"))
    assert isinstance(outcome, Raised)
    assert outcome.type_name == "RecursionError"
    assert outcome.where == "target.py:3 in rnn_forward"


def test_recursion_that_overflows_the_stack_is_told(misbehave: Misbehave) -> None:
    """On Python 3.11. Later versions count recursion in C code separately, and raise an error."""
    body = "return sorted([1, 2], key=lambda _: rnn_forward(x, a0, parameters))"
    outcome = call(misbehave(body, "import sys; sys.setrecursionlimit(10**9)"))
    if sys.version_info < (3, 12):
        # Python's own report of the crash runs on what is left of the stack, and may end early.
        by_signal = "was killed by SIGSEGV (target.py:3 in <lambda>)"
        assert outcome in (Died("recursed until the stack overflowed"), Died(by_signal))
    else:
        assert isinstance(outcome, Raised | Died)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system limits the memory of a process so")
@pytest.mark.parametrize(
    "body",
    ["import numpy as np\nreturn np.ones(2**30)", "eaten = []\nwhile True: eaten.append(bytearray(2**24))"],
)
def test_memory_has_a_limit(misbehave: Misbehave, body: str) -> None:
    implementation = misbehave(body, memory_limit=2**29)
    outcome = call(implementation)
    assert isinstance(outcome, Raised)
    assert outcome.type_name == "MemoryError"
    assert isinstance(call(implementation, "lstm_forward"), Returned)


SETSID = "os.setsid()"
ORPHAN = "os.fork() and os._exit(0); os.setsid()"
ORPHAN_OF_SESSION = "os.setsid(); os.fork() and os._exit(0)"
KILL_PARENT = "os.kill(os.getppid(), 9); os._exit(3)"


@pytest.mark.parametrize(
    ("detach", "ending", "reason"),
    [
        ("pass", "return 0", ""),
        ("pass", "os._exit(3)", "exited with status 3"),
        ("pass", "while True: pass", "did not answer within 0.5 s"),
        (SETSID, "return 0", ""),
        (ORPHAN, "return 0", ""),
        (ORPHAN, "os._exit(3)", "exited with status 3"),
        (ORPHAN_OF_SESSION, "while True: pass", "did not answer within 0.5 s"),
        (SETSID, KILL_PARENT, "was killed by SIGKILL"),
        (ORPHAN, KILL_PARENT, "was killed by SIGKILL"),
    ],
)
def test_what_a_target_forks_ends_with_it(
    misbehave: Misbehave, tmp_path: Path, ending: str, reason: str, detach: str
) -> None:
    """Also a process in another session, whose parent has ended, and so has who has forked it."""
    if not FORKS and detach != "pass":
        pytest.skip("only Linux says who has started an orphan")
    body = f"""
import fcntl, os, signal, time
reader, writer = os.pipe()
if os.fork() == 0:
    {detach}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    fcntl.flock(os.open("lock", os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)
    os.write(writer, b"held")
    time.sleep(600)
os.read(reader, 4)
{ending}
"""
    with misbehave(body, time_limit=0.5 if "did not answer" in reason else PATIENCE) as implementation:
        outcome = call(implementation)
    assert isinstance(outcome, Returned) or outcome == Died(reason)
    with tmp_path.joinpath("lock").open() as lock:
        end = time.monotonic() + PATIENCE
        while is_locked(lock.fileno()):
            assert time.monotonic() < end, "the forked process is still there"
            time.sleep(0.01)


@pytest.mark.skipif(not FORKS, reason="only Linux says who has started an orphan")
def test_what_runs_as_another_user_is_left(misbehave: Misbehave, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what a target starts by sudo."""

    def refuse(*_: object) -> None:
        raise PermissionError

    with misbehave("import os, time; os.fork() or time.sleep(1); return 1") as implementation:
        assert isinstance(call(implementation), Returned)
        monkeypatch.setattr(process_end._kill, "__defaults__", (refuse,))
        monkeypatch.setattr(resource, "prlimit", refuse)
        implementation.close()
        monkeypatch.undo()


@pytest.mark.skipif(not FORKS, reason="there is no fork server")
def test_what_another_target_has_started_goes_on(misbehave: Misbehave) -> None:
    start = """
import os, time
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(writer, os.getpid().to_bytes(4, "big"))
        time.sleep(600)
    os._exit(0)
pid = int.from_bytes(os.read(reader, 4), "big")
"""
    implementation = misbehave("os.kill(pid, 0); return 1", before=start, name="first.py")
    assert isinstance(call(implementation), Returned)
    with misbehave("return 1", before=start, name="second.py") as other:
        assert isinstance(call(other), Returned)
    assert isinstance(call(implementation), Returned)


@pytest.mark.skipif(not FORKS, reason="there is no fork server")
@pytest.mark.parametrize(("moment", "slow_import"), [("import", 1e9), ("call", 0.0)])
def test_a_target_that_stops_who_has_forked_it_hangs_nobody(
    misbehave: Misbehave, moment: str, slow_import: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a slow import, after which the target's own process forks the others.

    Takes seconds: until the system waits for the processes of the fork server that is killed.
    """
    monkeypatch.setattr(process_start, "PATIENCE", 0.1)
    monkeypatch.setattr(implementation, "SLOW_IMPORT", slow_import)
    stop = "import os, signal; os.kill(os.getppid(), signal.SIGSTOP)"
    moments = {"import": ("return 1", stop), "call": (f"{stop}; return 1", "")}
    with misbehave(*moments[moment], name="stops.py") as stops:
        for _ in range(2):
            assert isinstance(call(stops), Returned)
            stops.end_process()
    assert isinstance(call(misbehave("return x")), Returned)


@pytest.mark.skipif(not FORKS, reason="there is no fork server")
def test_a_target_that_stops_who_has_forked_it_and_ends_has_hung(
    misbehave: Misbehave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such calls take seconds each, and a hang counts as many crashes, so they are soon given up."""
    monkeypatch.setattr(process_start, "PATIENCE", 0.1)
    died = call(misbehave("import os, signal; os.kill(os.getppid(), signal.SIGSTOP); os._exit(3)"))
    assert isinstance(died, Died)
    assert (died.reason, died.hung) == ("stopped the process that has forked it", True)


def is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def test_a_fork_that_goes_on_alone_does_not_answer(misbehave: Misbehave) -> None:
    implementation = misbehave("import os\nreturn 1 if os.fork() else 2")
    for _ in range(5):
        outcome = call(implementation)
        assert isinstance(outcome, Returned)
        assert outcome.value == 1


def test_targets_do_not_share_a_process(misbehave: Misbehave) -> None:
    first = misbehave("return 1", before="import numpy\nnumpy.exp = None", name="first.py")
    second = misbehave("import numpy\nreturn numpy.exp(x)", name="second.py")
    assert isinstance(call(first), Returned)
    assert isinstance(call(second), Returned)


@pytest.mark.parametrize(
    ("ending", "moment"),
    [("while True: pass", "held"), ("threading.Thread(target=time.sleep, args=(600,)).start()", "called")],
)
def test_a_worker_whose_judge_is_killed_ends_by_itself(
    misbehave: Misbehave, tmp_path: Path, ending: str, moment: str
) -> None:
    """During a call that hangs, and after a call that has left a running thread."""
    misbehave(f"""
import fcntl, os, threading, time
fcntl.flock(os.open("lock", os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)
open("held", "x").close()
{ending}
""")
    judge = """
import time
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import FORKS, Settings
implementation = Implementation("target.py", Settings(time_limit=0.3))
implementation.call("rnn_forward", [0, 0, 0])
open("called", "x").close()
time.sleep(600)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", judge], cwd=tmp_path, env=environment) as process:
        while not tmp_path.joinpath(moment).exists():
            time.sleep(0.01)
        process.kill()
    with tmp_path.joinpath("lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)


def test_a_worker_may_wait_for_the_next_call_as_long_as_it_takes(
    misbehave: Misbehave, tmp_path: Path
) -> None:
    """No timer runs between calls, as a thread of the target checks."""
    implementation = misbehave("""
        import signal, threading, time
        def watch():
            while signal.getitimer(signal.ITIMER_REAL)[0]: time.sleep(0.001)
            open("idle", "x").close()
        threading.Thread(target=watch).start()
    """)
    assert isinstance(call(implementation), Returned)
    end = time.monotonic() + PATIENCE
    while not tmp_path.joinpath("idle").exists():
        assert time.monotonic() < end, "an alarm is set between calls"
        time.sleep(0.01)


def test_a_forgotten_implementation_leaves_nothing(misbehave: Misbehave, tmp_path: Path) -> None:
    misbehave("return x")
    assert isinstance(call(Implementation("target.py", Settings(directory=tmp_path))), Returned)


@pytest.mark.parametrize(
    ("limit", "words"),
    [(0.3, "within 0.3 s"), (0.1, "(--import-time-limit, since a first call may compile)")],
)
def test_a_hang_beyond_the_time_limit_says_which_limit_it_had(
    misbehave: Misbehave, limit: float, words: str
) -> None:
    with misbehave("while True: pass", time_limit=limit) as implementation:
        died = implementation.call("rnn_forward", [1, 2, 3], time_limit=0.3)
    assert isinstance(died, Died)
    assert died.reason.endswith(words)
