"""A process that has imported the modules of a worker, and forks workers: ten times as fast as a start.

It also imports the framework of a target, which takes seconds, and runs no code of targets. Each worker has
its own session, descriptors and random numbers.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from socket import recv_fds, socket
from typing import NoReturn

from numpy import random  # imported once here, as many targets import it

from properties.worker.messages import MAX_REQUEST
from properties.worker.worker import work


def main() -> NoReturn:
    """Serve the judge until it closes the socket. The argument of the command is the socket's descriptor."""
    line = socket(fileno=int(sys.argv[1]))
    gc.freeze()  # so that garbage collection in workers does not copy shared memory
    while True:
        request, descriptors, _, _ = recv_fds(line, MAX_REQUEST, 3)
        if not request:
            os._exit(0)  # nothing is left to clean up
        kind, *words = json.loads(request)
        answer = _fork(line, descriptors, *words) if kind == "fork" else _wait(*words)
        line.send(json.dumps(answer).encode())


def _fork(line: socket, descriptors: Sequence[int], directory: str, memory_limit: int, framework: str) -> int:
    if framework and framework not in sys.modules:
        with suppress(Exception):  # the target may find it elsewhere
            importlib.import_module(framework)
        gc.freeze()
    process = os.fork()
    if not process:
        line.close()
        connection, faults, errors = descriptors
        _become_a_worker(connection, faults, errors, directory, memory_limit)
    for descriptor in descriptors:
        os.close(descriptor)
    return process


def _become_a_worker(connection: int, faults: int, errors: int, directory: str, memory_limit: int) -> None:
    """Run a worker in this forked process, and exit."""
    try:
        os.setsid()
        os.dup2(errors, sys.stderr.fileno())
        os.close(errors)
        os.chdir(directory)
        random.seed()  # noqa: NPY002 - every fork has a copy of the global generator
        work(connection, faults, memory_limit)
    finally:
        os._exit(1)


def _wait(process: int, seconds: float | None) -> int | None:
    end = time.monotonic() + (seconds or 0)
    while True:
        ended, status = os.waitpid(process, os.WNOHANG if seconds is not None else 0)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.001)
