"""The fixtures of the laws: the implementation, a tally, and a turn."""

from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

from properties.failure_database.store import DIRECTORY, Store
from properties.implementations.answers import free_cached_answers
from properties.implementations.implementation import Implementation
from properties.internals.libc_internals import give_back_memory
from properties.internals.pytest_internals import drop_reports, drop_stash
from properties.session.options import PROBLEM
from properties.session.target_options import TARGETS
from properties.trials.tally import Tally
from properties.turns.turn import Draws, Turn

TURN = pytest.StashKey[Turn]()


@pytest.fixture(scope="session")
def implementation(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """The implementation under test, in a process of its own; it and its replies are freed after its laws."""
    targets = request.config.stash[TARGETS]
    yield targets.implementation(request.param)
    targets.free(request.param)
    free_cached_answers()
    give_back_memory()


@pytest.fixture
def tally() -> Tally:
    """The counts of a law that is about the target."""
    return Tally()


@pytest.fixture
def turn(request: pytest.FixtureRequest, implementation: Implementation, function: str) -> Turn:
    """One run of the law. A run that fuzzes has no seed."""
    config, law = request.config, request.function.law
    database = DirectoryBasedExampleDatabase(config.invocation_params.dir / DIRECTORY)
    seed = None if config.option.fuzz_for else int(config.option.hypothesis_seed)
    turn = request.node.stash[TURN] = Turn(
        law.for_networks(config.stash[TARGETS].networks),
        implementation,
        function,
        Store(database, implementation.target, law.name, function),
        Draws(settings.get_current_profile_name(), seed, config.stash[PROBLEM]),
    )
    return turn


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Free the memory of a test after it has run: its turn, and in a worker of pytest-xdist its reports."""
    result = yield
    drop_stash(item)
    reporter = item.config.pluginmanager.getplugin("terminalreporter")
    if reporter and hasattr(item.config, "workerinput"):
        drop_reports(reporter)
    return result
