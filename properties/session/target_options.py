"""Reads the options about targets: which targets and functions to judge, with which weights and settings."""

import ast
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest

from oracle.modules.interface import ModuleOptions, UnusableModule
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem
from oracle.processes.codec import MAX_BYTES
from properties.implementations import interpreter
from properties.implementations.implementation import Implementation
from properties.implementations.loaded_facts import LoadedFacts
from properties.implementations.process_start import Settings
from properties.internals.pytest_internals import option_words
from properties.reports.results import encodable
from properties.session import command
from properties.session.source_files import helper_files, text_of
from properties.worker.own_modules import OBJECTS, REFERENCE, full_name
from properties.worker.targets import SUFFIXES, TargetMissing, Unusable, expand
from reference.contract import CONTRACTS, FUNCTIONS, NETWORKS

ONNX_ADAPTERS = ("frameworks.onnxruntime", "frameworks.onnx_evaluator")

_MOST_WEIGHTS = MAX_BYTES // 16
"""The most weights of a network: in float64, they take half of what a request may take."""
WEIGHTS_FOLDER = ".hypothesis/weights"
"""The folder for the weights of trained modules, below the current directory."""

MODULE_OPTIONS = ("--like", "--with", "--converts", "--gates", "--device")
PROCESS_LIMITS = ("--time-limit", "--import-time-limit", "--memory-limit")
AFFECTING_RESULTS = (*PROCESS_LIMITS, *MODULE_OPTIONS, "--weights", "--layout")
"""The options about targets that affect results."""


@dataclass
class Targets:
    """The targets of a run, and what the options say about them.

    `settings` are those of the targets' processes. `python` has the versions of the interpreter of
    `--python`. `names` are the targets that the user's `patterns` mean. `helpers` are files of a directory or
    glob that targets import, and that are not judged. `networks` are problems with the weights of `--weights`
    or of trained modules. `functions` has the functions by which each target is judged. `understood` has the
    facts of each target that is a module of a framework.
    """

    settings: Settings
    python: str = ""
    patterns: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)
    networks: list[LayerProblem] = field(default_factory=list)
    functions: dict[str, set[str]] = field(default_factory=dict)
    understood: list[LoadedFacts] = field(default_factory=list)
    _implementations: dict[str, Implementation] = field(default_factory=dict)

    def implementation(self, target: str) -> Implementation:
        """The implementation of a target, which is created by the first call."""
        if target not in self._implementations:
            self._implementations[target] = Implementation(target, self.settings)
        return self._implementations[target]

    def limits(self, target: str) -> Limits:
        """The limits that a target declares; none if the target cannot be loaded."""
        try:
            return self.implementation(target).limits
        except Unusable:
            return ANYTHING

    def free(self, target: str) -> None:
        """Close the implementation of a target that has been judged, and drop it."""
        self._implementations.pop(target).close()


TARGETS = pytest.StashKey[Targets]()


def find_targets(config: pytest.Config) -> None:
    """Put the targets in the stash. Raises `TargetMissing` or `ValueError` for options that are wrong."""
    targets = config.stash[TARGETS] = Targets(*_settings(config))
    targets.patterns, targets.names, targets.helpers = _names(config)
    targets.networks = _networks(config)


def read_targets(config: pytest.Config) -> None:
    """Find the functions of each target. Raises `TargetMissing` or `ValueError` if an option is wrong."""
    targets = config.stash[TARGETS]
    for target in targets.names:
        try:
            functions = judged_functions(target, targets, every=bool(config.getoption("keyword")))
        except TargetMissing:
            if target in targets.patterns:
                raise
            functions = {*FUNCTIONS}  # a file in a folder ends no run over the others
        targets.functions[target] = _functions_with_weights(functions, target, targets.networks)
        if config.getoption("--reproduce"):
            targets.limits(target)  # which loads the target, before it is closed
        # Its laws may run later, or in a worker of pytest-xdist. Until then, its process would only wait.
        if len(targets.names) > 1 or config.getoption("numprocesses", None):
            targets.implementation(target).close()


def _names(config: pytest.Config) -> tuple[list[str], list[str], list[str]]:
    """The patterns, their targets, and the helper files. Whether attributes exist is not checked here."""
    directory = config.invocation_params.dir
    named = config.getoption("--implementation") or []
    models = [name for name in named if _is_model(name)]
    if models:
        # dict.fromkeys, because a worker of pytest-xdist gets the options after this change.
        config.option.weights = [*dict.fromkeys([*(config.getoption("--weights") or ()), *models])]
        named = [*(name for name in named if name not in models), *ONNX_ADAPTERS]
    patterns = [*map(full_name, named or [REFERENCE])]
    if config.getoption("numprocesses", None) and patterns != [*map(encodable, patterns)]:
        raise ValueError(
            "a name that is not UTF-8 cannot be sent to workers; name its directory, or leave out -n"
        )
    targets = expand(patterns, directory)
    expanded = [target for target in targets if target not in patterns and target.endswith(SUFFIXES)]
    helpers = helper_files(expanded, directory)
    return patterns, [target for target in targets if target not in helpers] or targets, helpers


def _is_model(name: str) -> bool:
    """Whether this is the name of an ONNX model, or of a part of a model."""
    if ".onnx" not in name:
        return False
    from oracle.checkpoints import split

    return Path(split(name)[0]).suffix == ".onnx"


def _networks(config: pytest.Config) -> list[LayerProblem]:
    """A problem for each layer in the files of `--weights`."""
    networks: list[LayerProblem] = []
    layout = config.getoption("--layout") or ""
    if layout and not config.getoption("--weights"):
        raise ValueError("--layout needs --weights, the file whose layout it states")
    for text in config.getoption("--weights") or ():
        from oracle.checkpoints import load, split  # a slow import

        file, _ = split(text)
        for layer in load(text, layout).layers:
            name = f"{file}:{layer.prefix}" if layer.prefix else file
            if (count := sum(W.size for p in layer.parameters for W in p.values())) > _MOST_WEIGHTS:
                raise ValueError(f"{name} has {count:,} weights, and at most {_MOST_WEIGHTS:,} can be judged")
            make = getattr(Problem, f"{layer.kind}_layer")
            networks.append(make(weights=name, layout=layout, m=1, T_x=1))
    return networks


def judged_functions(target: str, targets: Targets, *, every: bool = False) -> set[str]:
    """The functions by which a target is judged: `FUNCTIONS`, and the layers and backward passes that it has.

    A target with layers or backward passes, but with none of `FUNCTIONS`, is judged only by the functions
    that it has, and so are objects of Python. A target that cannot be loaded is judged by `FUNCTIONS`, or
    with `every` by all. The reference, and a file that mentions only `FUNCTIONS`, are not loaded. If the
    target is a module of a framework, its facts and weights are added to `targets`. Raises `TargetMissing` if
    a module or an attribute does not exist.
    """
    directory = targets.settings.directory
    if target == REFERENCE:
        return {*CONTRACTS}
    source, _, attribute = target.partition(":")
    if source.endswith(SUFFIXES) and not attribute:
        text = text_of(directory / source)
        mentioned = {name for name in CONTRACTS if name in text}
        if mentioned and mentioned <= {*FUNCTIONS}:
            return {*FUNCTIONS}
    try:
        loaded = targets.implementation(target).load()
    except TargetMissing:
        raise
    except Unusable:
        return {*(CONTRACTS if every else FUNCTIONS)}
    if loaded.understood:
        targets.understood.append(loaded)
    if loaded.network:
        targets.networks.append(_network_of_module(target, loaded.network, directory))
    existing = {*loaded.functions, *loaded.lacking}
    if OBJECTS in os.environ:
        return existing
    optional = existing - {*FUNCTIONS}
    return optional if optional and not existing & {*FUNCTIONS} else {*FUNCTIONS} | optional


def _functions_with_weights(functions: set[str], target: str, networks: list[LayerProblem]) -> set[str]:
    """The functions that can use the weights of the networks; all functions if there are no networks."""
    if not networks:
        return functions
    kinds = {network.kind for network in networks}
    of_layers = {name for name in functions if CONTRACTS[name].problem_kind in kinds}
    if not of_layers:
        raise ValueError(
            f"--weights: {target} has no {' and no '.join(sorted(kinds))}, which these weights are for"
        )
    return of_layers


def _settings(config: pytest.Config) -> tuple[Settings, str]:
    """The settings of the targets' processes, and the versions of the interpreter of `--python`."""
    here = config.invocation_params.dir
    values: dict[str, Any] = {"directory": here, "module": _module_options(config)}
    versions = ""
    for option in PROCESS_LIMITS:
        value = config.getoption(option)
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{option} {value:g}: expected a number above 0")
        if value is not None:
            name = option.removeprefix("--").replace("-", "_")
            values[name] = int(value * 2**30) if name == "memory_limit" else value
    if helpers := config.getoption("--helpers"):
        folder = here / helpers
        if not folder.is_dir():
            raise ValueError(f"--helpers {helpers}: there is no directory {str(folder)!r}")
        values["helpers"] = str(folder.resolve())
    if python := config.getoption("--python"):
        values["python"], versions = interpreter.find(python, here)
    options = option_words(config, *PROCESS_LIMITS, "--helpers", "--python", *MODULE_OPTIONS)
    if OBJECTS in os.environ:
        words = ["judge", *options]
    elif config.pluginmanager.has_plugin(command.__name__):
        words = ["rnn-crosscheck", *options]
    else:
        folder = command.PROPERTIES
        shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
        words = ["pytest", str(shown), *options, "--implementation"]
    return Settings(**values, command=words), versions


def _module_options(config: pytest.Config) -> dict[str, Any]:
    """The fields of `ModuleOptions` that the user has set. Raises `ValueError` if one of them is wrong."""
    names = [each.name for each in fields(ModuleOptions)]
    values = {name: value for name in names if (value := config.getoption(name))}
    if "fixed" in values:
        values["fixed"] = dict(map(_argument, values["fixed"]))
    try:
        ModuleOptions(**values)
    except UnusableModule as error:
        raise ValueError(str(error)) from None
    return values


def _argument(text: str) -> tuple[str, Any]:
    """The name and the value of `NAME=VALUE`. A value that is no literal of Python is text."""
    name, separator, value = text.partition("=")
    if not (separator and name.isidentifier()):
        raise ValueError(f"--with {text}: expected NAME=VALUE, an argument of the constructor")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _network_of_module(target: str, network: Mapping[str, Any], directory: Path) -> LayerProblem:
    """A problem with the weights of a trained module. A file keeps these weights for later runs."""
    from oracle.checkpoints import Checkpoint, RecurrentLayer  # a slow import
    from oracle.checkpoints.writing import convert

    kind, parameters = network["kind"], network["parameters"]
    layer = RecurrentLayer("", kind, "torch", network["directions"], parameters)
    name = re.sub(r"\W+", "-", target).strip("-")
    file = Path(WEIGHTS_FOLDER, f"{name}-{layer.digest}.npz")
    if not (directory / file).exists():
        (directory / WEIGHTS_FOLDER).mkdir(parents=True, exist_ok=True)
        convert(Checkpoint(Path(target), [layer], []), directory / file, "torch")
    activation = network["activation"] if NETWORKS[kind].has_activations else "tanh"
    problem: LayerProblem = getattr(Problem, f"{kind}_layer")(
        weights=str(file), m=1, T_x=1, activation=activation
    )
    return problem
