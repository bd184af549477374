"""Reads the options about targets: which are judged, by which functions, with which weights."""

from pathlib import Path

import pytest

from oracle.limits import ANYTHING, Limits
from oracle.problem import LayerProblem, Problem
from properties.implementations.implementation import Implementation, Settings, Unusable, expand
from properties.reports.results import encodable
from properties.session.module_options import UNDERSTOOD, network_of_module
from properties.worker.helper_files import helper_files
from properties.worker.own_modules import REFERENCE, full_name
from properties.worker.targets import SUFFIXES, locate
from reference.contract import CONTRACTS, FUNCTIONS

TARGETS = pytest.StashKey[list[str]]()
FUNCTIONS_OF = pytest.StashKey[dict[str, set[str]]]()
"""The functions by which each target is judged, by target."""
LIMITS = pytest.StashKey[dict[str, Limits]]()
"""The declared limits of each target that was loaded to read the options, by target."""
NETWORKS = pytest.StashKey[list[LayerProblem]]()
"""Problems with the weights of `--weights`, or of trained modules."""
HELPING = pytest.StashKey[list[str]]()
"""The files of a directory or glob that are helpers of targets, and are not judged."""
SETTINGS = pytest.StashKey[Settings]()
"""The settings of the targets' processes."""
IMPLEMENTATIONS = pytest.StashKey[dict[str, Implementation]]()
"""The implementation of each target: the same one when options are read and when laws are run."""

ONNX = ("frameworks.onnxruntime", "frameworks.onnx_evaluator")
"""The adapters that run the nodes of a model in ONNX."""


def read_targets(config: pytest.Config) -> None:
    """Fill the stash with the targets and their facts. `SETTINGS` must be in the stash.

    Raises `TargetMissing` or `ValueError` for options that are wrong.
    """
    targets = config.stash[TARGETS] = _targets(config)
    networks = config.stash[NETWORKS] = _networks(config)
    config.stash[LIMITS] = dict.fromkeys(targets, ANYTHING)
    config.stash[UNDERSTOOD] = {}
    config.stash[IMPLEMENTATIONS] = {}
    functions = config.stash[FUNCTIONS_OF] = {}
    for target in targets:
        functions[target] = _using_networks(functions_of(target, config), target, networks)
        if len(targets) > 1 or config.getoption("numprocesses", None):  # the laws do not come next
            implementation_of(target, config).close()


def implementation_of(target: str, config: pytest.Config) -> Implementation:
    """The implementation of a target."""
    known = config.stash[IMPLEMENTATIONS]
    if target not in known:
        known[target] = Implementation(target, config.stash[SETTINGS])
    return known[target]


def _targets(config: pytest.Config) -> list[str]:
    """The targets. A module or an attribute may turn out not to exist when it is loaded."""
    directory = config.invocation_params.dir
    named = config.getoption("--implementation") or []
    models = [name for name in named if _is_model(name)]
    if models:  # adapters run its nodes
        # dict.fromkeys, because a worker of pytest-xdist gets the options after this change.
        config.option.weights = [*dict.fromkeys([*(config.getoption("--weights") or ()), *models])]
        named = [*(name for name in named if name not in models), *ONNX]
    patterns = [*map(full_name, named or [REFERENCE])]
    if config.getoption("numprocesses", None) and patterns != [*map(encodable, patterns)]:
        raise ValueError(
            "a name that is no UTF-8 cannot be sent to workers; name its directory, or leave out -n"
        )
    targets = expand(patterns, directory)
    found = [target for target in targets if target not in patterns and target.endswith(SUFFIXES)]
    config.stash[HELPING] = helping = helper_files(found, directory)
    return [target for target in targets if target not in helping] or targets


def _is_model(name: str) -> bool:
    """Whether this is the name of an ONNX model, or of a part of one."""
    if ".onnx" not in name:
        return False
    from oracle.checkpoints import split

    return Path(split(name)[0]).suffix == ".onnx"


def _networks(config: pytest.Config) -> list[LayerProblem]:
    """A problem for each layer in the files of `--weights`."""
    networks: list[LayerProblem] = []
    layout = config.getoption("--layout") or ""
    if layout and not config.getoption("--weights"):
        raise ValueError("--layout is about the file of --weights, which is missing")
    for text in config.getoption("--weights") or ():
        from oracle.checkpoints import load, split  # a slow import

        file, _ = split(text)
        for layer in load(text, layout).layers:
            name = f"{file}:{layer.prefix}" if layer.prefix else file
            make = getattr(Problem, f"{layer.kind}_layer")
            networks.append(make(weights=name, layout=layout, m=1, T_x=1))
    return networks


def functions_of(target: str, config: pytest.Config) -> set[str]:
    """The functions by which a target is judged: the four, and the layers and backward passes that it has.

    A target with other functions, and none of the four, is not judged by the four. The target is loaded,
    unless it is a file that mentions no function but the four. Raises `TargetMissing` if a module or an
    attribute does not exist.
    """
    directory = config.invocation_params.dir
    if target == REFERENCE:
        return {*CONTRACTS}
    source, _, attribute = target.partition(":")
    if source.endswith(SUFFIXES) and not attribute:
        text = Path(directory, locate(target, directory).source).read_bytes()
        mentioned = {name for name in CONTRACTS if name.encode() in text}
        limits_matter = config.getoption("--reproduce") and b"SUPPORTS" in text
        if mentioned and mentioned <= {*FUNCTIONS} and not limits_matter:
            return {*FUNCTIONS}
    has: set[str] = set()
    try:
        loaded = implementation_of(target, config).load()
        has = {*loaded.functions, *loaded.lacking}
        config.stash[LIMITS][target] = loaded.limits
        if loaded.understood:
            config.stash[UNDERSTOOD][target] = loaded.understood
        if loaded.network:
            config.stash[NETWORKS].append(network_of_module(target, loaded.network, directory))
    except Unusable:
        if config.getoption("keyword"):  # any function that is selected says why the target is unusable
            return {*CONTRACTS}
    optional = has - {*FUNCTIONS}
    return optional if optional and not has & {*FUNCTIONS} else {*FUNCTIONS} | optional


def _using_networks(functions: set[str], target: str, networks: list[LayerProblem]) -> set[str]:
    """The functions that use the weights of these networks."""
    if not networks:
        return functions
    kinds = {network.kind for network in networks}
    of_layers = {
        name for name in functions if CONTRACTS[name].is_layer and CONTRACTS[name].problem_kind in kinds
    }
    if not of_layers:
        raise ValueError(
            f"--weights: {target} has no {' and no '.join(sorted(kinds))}, which these weights are for"
        )
    return of_layers
