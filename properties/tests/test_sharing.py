"""Machines that fuzz share what they find through a real Redis server, which may be killed at any time."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from properties.failure_database.shared import open_database
from properties.failure_database.store import Store
from properties.tests.runs import PATIENCE, Run, run
from properties.tests.test_fuzzing import write

redis = pytest.importorskip("redis", reason="the Python client of Redis is not installed")

LAW = ("--implementation", "faulty.py", "-k", "each_step and rnn_forward", "-p", "unlocated")


class Server:
    """A Redis server on a free port of this machine, which keeps nothing when it is killed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        while True:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            with suppress(ChildProcessError):  # another process has taken the port meanwhile
                self.start()
                break
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, cwd=self._directory, stdout=subprocess.DEVNULL)
        wait_until(lambda: self._process.poll() is not None or self.answers())
        if self._process.poll() is not None:
            raise ChildProcessError(f"redis-server exited with status {self._process.returncode}")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def answers(self) -> bool:
        with redis.Redis(port=self.port) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def was_asked(self) -> bool:
        with redis.Redis(port=self.port) as client:
            return "cmdstat_smembers" in client.info("commandstats")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if not shutil.which("redis-server"):
        pytest.skip("no redis-server is installed: apt install redis-server")
    server = Server(tmp_path)
    yield server
    server.kill()


def shared(server: Server) -> tuple[str, str]:
    """The option that names the server."""
    return "--example-database", server.url


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {PATIENCE:.0f} s"
        time.sleep(0.01)


def machine(path: Path, condition: str = "True") -> Path:
    """A directory with a database of its own."""
    path.mkdir()
    write(path, condition)
    return path


def found(directory: Path, url: str = "") -> list[int]:
    """What a machine knows to fail, by `n_a`."""
    database = open_database(directory, url, print)
    return [problem.n_a for problem in Store(database, "faulty.py", "each step", "rnn_forward")]


def test_what_one_machine_finds_another_tries_first(tmp_path: Path, server: Server) -> None:
    """Takes seconds: two whole runs, of which one fuzzes until it fails."""
    one, other = machine(tmp_path / "one"), machine(tmp_path / "other")
    until_it_fails = ("--fuzz-for", "1h", "-x")
    status, output = run(*LAW, *until_it_fails, *shared(server), directory=one, seed=None)
    assert status == 1, output
    assert not found(other)
    status, output = run(*LAW, *shared(server), directory=other)
    assert status == 1
    assert "n_a=21" in output
    assert found(one) == found(other) == [21]


def test_a_server_that_is_killed_takes_nothing_along_and_is_told_when_it_is_back(
    tmp_path: Path, server: Server
) -> None:
    """Takes seconds: a run fuzzes while its server is killed and started again."""
    flag = tmp_path / "flag"
    one = machine(tmp_path / "one", f"__import__('pathlib').Path({str(flag)!r}).exists()")
    laws = ("-k", "(each_step or test_shapes) and rnn_forward")
    fuzzing = Run(*LAW, *laws, "--fuzz-for", "1h", *shared(server), directory=one)
    try:
        wait_until(server.was_asked)
        server.kill()
        flag.touch()
        wait_until(lambda: found(one) == [21])
        server.start()
        wait_until(lambda: found(tmp_path, server.url) == [21])
    finally:
        fuzzing.interrupt()
        status, output = fuzzing.end()
    assert status == 1
    assert "1 failed, 1 passed" in output
    address = f"127.0.0.1:{server.port}"
    told = [line for line in output.splitlines() if line.startswith(f"warning: {address} is ")]
    assert len(told) == 2
    assert " is lost " in told[0]
    assert " is back" in told[1]


def test_a_server_that_does_not_answer_is_a_usage_error_in_one_line(tmp_path: Path) -> None:
    status, output = run(
        *LAW, "--example-database", "redis://127.0.0.1:1/0", directory=machine(tmp_path / "one")
    )
    assert status == pytest.ExitCode.USAGE_ERROR
    assert output.startswith("ERROR: --example-database redis://127.0.0.1:1/0 is out of reach: ")
    assert len(output.strip().splitlines()) == 1
