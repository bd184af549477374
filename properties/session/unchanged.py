"""Finds the targets that are unchanged since an earlier report, whose judgements a run keeps (`--since`)."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from properties.reports.expected_failures import ExpectedFailure
from properties.reports.judgement import Judgement, judgements
from properties.reports.report import format_of
from properties.reports.results import LawResult, encodable
from properties.reports.run import Run
from properties.session import command
from properties.session.source_files import own_files
from properties.session.target_options import TARGETS


def keys_of_targets(config: pytest.Config, environment: Mapping[str, str]) -> dict[str, str]:
    """The key of each target with files: a digest of its files, of the helpers and of the environment.

    With `--weights`, no target has a key.
    """
    targets, found = config.stash[TARGETS], dict[str, str]()
    helpers = [*Path(targets.settings.helpers).rglob("*.py")] if targets.settings.helpers else []
    for target in targets.names if not config.getoption("--weights") else ():
        with suppress(OSError):  # a file has vanished
            if files := own_files(target, config.invocation_params.dir):
                digests = ((file.name, sha256(file.read_bytes()).hexdigest()) for file in [*files, *helpers])
                text = json.dumps([sorted(digests), dict(environment)])
                found[encodable(target)] = sha256(text.encode()).hexdigest()
    return found


def keep(
    earlier: Run, keys: Mapping[str, str], config: pytest.Config, expected: Sequence[ExpectedFailure]
) -> list[Judgement]:
    """Take the targets with the same keys as in an earlier run out of the run; return their judgements."""
    results, targets = list[LawResult](), config.stash[TARGETS]
    for judgement in earlier.judgements:
        name = judgement.implementation
        if not judgement.is_left and name in keys and keys[name] == earlier.keys.get(name):
            targets.names = [target for target in targets.names if encodable(target) != name]
            for each in judgement.results:
                reasons = (entry.reason for entry in expected if entry.covers(name, each.law, each.function))
                results.append(replace(each, expected=next(reasons, "")))
    return judgements(results)


def command_to_go_on(config: pytest.Config) -> str:
    """The command that goes on with this run after an interrupt; empty without a report in JSON."""
    files = [file for file in config.getoption("--report") or () if format_of(Path(file)) == ".json"]
    is_command = config.pluginmanager.has_plugin(command.__name__)
    words = ["rnn-crosscheck", *sys.argv[1:]] if is_command else ["pytest", *config.invocation_params.args]
    if not files:
        return ""
    is_named = config.getoption("--since") == files[0]
    return shlex.join(words if is_named else [*words, "--since", files[0]])  # the last --since counts
