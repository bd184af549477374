"""The implementation under test, which runs in a process of its own."""

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from oracle.problems.limits import Limits
from oracle.processes.codec import encode
from properties.implementations.calls import CallHistory, Died, Outcome, Reply, Request
from properties.implementations.loaded_facts import LoadedFacts, loaded_facts
from properties.implementations.process import MOST_INTERRUPTS, Process
from properties.implementations.process_start import FORKS, ForkServer, Settings
from properties.worker.targets import Unusable, locate

MANY_SLOW_CALLS = 3
"""After this number of slow calls, the target counts as slow. Fewer may be due to a busy machine.

After this number of slow first calls, a function counts as compiled for each shape; one is enough if some
function of the target is costly.
"""

SLOW_FIRST_CALL = 0.3
"""The seconds from which a first call may have compiled. Then the same call is made again."""

COMPILED_SPEED = 3
"""How many times as fast the second call is, if the first one compiled."""

FIRST_CALLS = 60
"""The number of calls after which no call is made again. A busy machine delays few of so many calls."""

COSTLY_SECONDS, COSTLY_CALL = 20.0, 0.05
"""The seconds of all calls, and of a call on average, that make a function costly if it does not compile."""

SLOW_IMPORT = 1.0
"""The seconds of a slow import. A target with a slow import is imported once, if a fork is safe."""


class Implementation:
    """One target, in a process of its own. The process starts on first use, and again after its death.

    `target` is a file, a module or `module:attribute`. `slowest_seconds` is the time of the slowest of the
    last calls.
    """

    def __init__(self, target: str, settings: Settings | None = None) -> None:
        self.target = target
        self.settings = settings or Settings()
        self.histories: defaultdict[str, CallHistory] = defaultdict(CallHistory)
        self.slowest_seconds = 0.0
        self._aside_seconds, self._end = 0.0, math.inf
        self._with_right_helpers: dict[Sequence[str], Implementation] = {}
        self._process: Process | None = None
        self._template: tuple[Process, ForkServer] | None = None  # has loaded the target, and forks workers
        self._may_fork = FORKS
        self._folder = ""
        self._loaded: LoadedFacts | Unusable | None = None
        self._has_answered = False
        self._has_called = False  # in this process: the first call may load a framework
        self._slow_calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self) -> LoadedFacts:
        """Import the target on the first call, and return its facts.

        Raises `TargetMissing` if the target does not exist, and `Unusable` if the target cannot be imported
        or has none of the functions.
        """
        if self._loaded is None:
            try:
                _, self._loaded = self._start()
            except Unusable as error:
                self._loaded = error
        if isinstance(self._loaded, Unusable):
            raise type(self._loaded)(*self._loaded.args)
        return self._loaded

    @property
    def limits(self) -> Limits:
        """The limits that the target declares. Raises what `load` raises."""
        return self.load().limits

    def with_right_helpers(self, *names: str) -> "Implementation":
        """The same target, with the functions of these names in helper modules replaced by right ones."""
        if names not in self._with_right_helpers:
            settings = replace(self.settings, replaced=names)
            self._with_right_helpers[names] = Implementation(self.target, settings)
        return self._with_right_helpers[names]

    @property
    def may_compile(self) -> bool:
        """Whether the first call for a size may take long: none was answered yet, or some call was slow."""
        return not self._has_answered or self._slow_calls > 0

    @property
    def is_slow(self) -> bool:
        """Whether no call was answered yet, or `MANY_SLOW_CALLS` were slow."""
        return not self._has_answered or self._slow_calls >= MANY_SLOW_CALLS

    @property
    def is_costly(self) -> bool:
        """Whether a function is costly."""
        return any(history.is_costly for history in self.histories.values())

    @property
    def seconds(self) -> float:
        """The seconds that all calls have taken."""
        return sum(history.seconds for history in self.histories.values())

    def limit(self, function: str) -> float:
        """The time limit of a call in seconds. A function that compiles has the time limit of the import."""
        compiles = self.histories[function].compiles
        return self.settings.import_time_limit if compiles else self.settings.time_limit

    def call(
        self, function: str, arguments: Sequence[Any], *, time_limit: float | None = None, **how: Any
    ) -> Outcome:
        """Call a function once; `how` has keyword arguments of `Request`. Raises what `reply_each` raises."""
        return self.reply_each([Request(function, arguments, **how)], time_limit=time_limit)[0].outcome

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """Make these calls of one function, and return the replies in order. A death is the last reply.

        Raises what `load` raises, `ValueError` if the target does not have the function, and `TimeoutError`
        when the time of `aside` is up.
        """
        if time.monotonic() > self._end:
            raise TimeoutError
        function = requests[0].function
        if function not in self.load().functions:
            raise ValueError(f"{self.target} has no function '{function}'")
        process = self._process
        if process is None or not process.end.alive:  # until a death is noticed, the process counts as alive
            self._has_called = False
            try:
                process, _ = self._start()
            except Unusable as error:  # the target has changed since it was loaded
                return [Reply(Died(f"cannot be loaded again: {error}"))]
        limit = time_limit or self.limit(function)
        bodies = [each.body for each in requests]
        calls = max(each.calls for each in requests)
        why = " (--import-time-limit, since a first call may compile)"
        why = why if limit > self.settings.time_limit else ""
        answers = process.ask(bodies, time_limit=limit * calls, folder=self._folder, why=why)
        seconds = process.seconds
        self.slowest_seconds = max(seconds, default=0.0)
        replies: list[Reply] = []
        for request, answer in zip(requests, answers, strict=False):
            replies.append(
                Reply(answer, request, lambda each: self.reply_each([each], time_limit=time_limit)[0])
            )
            if replies[-1].is_death:
                self.end_process()
                return replies
        self._has_answered = True
        self._slow_calls += self.slowest_seconds > calls * self.settings.time_limit / 10
        history = self.histories[function]
        history.calls += len(replies)
        history.seconds += sum(seconds if self._has_called else seconds[1:])
        slow = [number for number, first in enumerate(seconds) if first > SLOW_FIRST_CALL]
        if slow and self._has_called and not history.compiles and history.calls <= FIRST_CALLS:
            process.ask([bodies[each] for each in slow], time_limit=limit * calls, folder=self._folder)
            pairs = zip(slow, process.seconds, strict=False)
            history.slow_first_calls += sum(seconds[k] > COMPILED_SPEED * again for k, again in pairs)
            history.compiles = history.slow_first_calls >= (1 if self.is_costly else MANY_SLOW_CALLS)
        least = max(COSTLY_SECONDS, COSTLY_CALL * history.calls)
        history.is_costly |= history.compiles or history.seconds > least
        self._has_called = True
        return replies

    @contextmanager
    def aside(self, seconds: float) -> Iterator[None]:
        """Let another process answer in this context: the present one keeps what it has compiled.

        All such contexts together may take so many seconds; then, calls raise `TimeoutError`.
        """
        kept, self._process, start = self._process, None, time.monotonic()
        self._end = start + seconds - self._aside_seconds
        try:
            yield
        finally:
            self.end_process()
            self._process, self._end = kept, math.inf
            self._aside_seconds += time.monotonic() - start

    def end_process(self) -> None:
        """End the process and its children. A later call starts a new process."""
        if self._process is not None:
            self._process.end()

    def close(self) -> None:
        """End all processes of the target. A later call imports the target again."""
        self.end_process()
        if self._template:
            self._template[0].end()
            self._template = None
        for implementation in self._with_right_helpers.values():
            implementation.close()

    def _start(self) -> tuple[Process, LoadedFacts]:
        """Start a process that has loaded the target; return the process and the facts of the target.

        After a slow import, the process that has imported the target forks the processes that answer calls.
        """
        settings = self.settings
        if self._template and isinstance(self._loaded, LoadedFacts):
            with suppress(OSError):
                self._process = Process(settings, template=self._template[1])
                return self._process, self._loaded
            self.close()
            self._may_fork = False
        target = locate(self.target, settings.directory)
        self._folder = str(Path(target.source).parent if target.is_file else settings.directory)
        again = isinstance(self._loaded, LoadedFacts)
        process = self._process = Process(settings)
        module = dict(settings.module)
        options = {"helpers": settings.helpers, "replaced": [*settings.replaced], "module": module}
        names = target.source, target.attribute, str(settings.directory)
        load, limit = encode(("load", *names, options, again)), settings.import_time_limit
        (answer,) = process.ask([load], time_limit=limit, folder=self._folder, interrupts=MOST_INTERRUPTS)
        is_slow = max(process.seconds, default=0.0) > SLOW_IMPORT
        try:
            loaded = loaded_facts(answer, self.target)
        except BaseException:
            process.end()
            raise
        self._folder = loaded.folder
        if self._may_fork and is_slow:
            self._loaded = loaded
            if server := process.as_fork_server(limit):
                self._template = process, server
            self._may_fork = server is not None
            if server or not process.end.alive:
                process, _ = self._start()
        return process, loaded
