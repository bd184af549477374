"""Imports a target and finds its functions. Only a worker does this, because it runs code of the target."""

from __future__ import annotations

import importlib
import linecache
import os
import pickle
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from os.path import exists, isfile
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from oracle.modules.interface import SCOPE, ModuleOptions, UnusableModule
from oracle.modules.understanding import is_module, understand
from oracle.processes.program import OUR_PACKAGES
from properties.worker.functions import (
    classes_hint,
    facts_from_like,
    like_hint,
    modules_hint,
    similar_function,
    wrong_signature,
)
from properties.worker.own_modules import FRAMEWORKS, OBJECTS, hide_our_packages, is_ours
from properties.worker.statements import RunStatements
from properties.worker.substitution import replace_helpers
from properties.worker.targets import Target, TargetFacts, TargetMissing, Unusable, closest
from reference.contract import CONTRACTS, FUNCTIONS


@dataclass(frozen=True)
class LoadedTarget:
    """The functions of a target, what has them, the facts of the target, and `RunStatements.hint`, if any."""

    functions: Mapping[str, Callable[..., Any]]
    holder: object
    facts: TargetFacts
    hint: Callable[[BaseException], str] = lambda error: ""


def load(
    target: Target,
    directory: Path,
    helpers: str = "",
    replaced: Sequence[str] = (),
    module: Optional[Mapping[str, Any]] = None,  # noqa: UP045
) -> LoadedTarget:
    """Import a target and find its functions. The folder `helpers`, if not empty, is on the target's path.

    In modules of that folder, right functions take the place of the functions named in `replaced`. `module`
    has the fields of `ModuleOptions`, which are the user's options for modules of frameworks.

    Raises `TargetMissing` if the module or the attribute does not exist, and `Unusable` if the target has
    none of the functions. If a statement that the functions need fails, its error is raised.
    """
    if not is_ours(target.source):
        hide_our_packages()
    if helpers:
        sys.path.insert(0, helpers)
    try:
        options = ModuleOptions(**(module or {}))
        loaded = _load_file(target, options) if target.is_file else _load_module(target, directory, options)
    except UnusableModule as error:
        raise Unusable(f"cannot be judged: {error}") from None
    if replaced:
        facts = replace(loaded.facts, replaced=replace_helpers(replaced, helpers, target.source))
        return replace(loaded, facts=facts)
    return loaded


def _load_module(target: Target, directory: Path, options: ModuleOptions) -> LoadedTarget:
    if OBJECTS in os.environ:
        return _load_from(_load_objects(target.source), target, options)
    sys.path.insert(0, str(directory))
    try:
        module = importlib.import_module(target.source)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing == target.source or target.source.startswith(f"{missing}."):
            parent, _, last = missing.rpartition(".")
            where = getattr(sys.modules.get(parent), "__path__", []) if parent else [str(directory)]
            hint = closest(last, (each.name for each in pkgutil.iter_modules(where)))
            why = f"no module '{missing}', neither in '{directory}' nor installed{hint}"
            raise TargetMissing(why) from None
        if not target.source.startswith(f"{FRAMEWORKS}."):
            raise
        adapter = importlib.import_module(FRAMEWORKS).ADAPTERS.get(target.source.rpartition(".")[2])
        packages = (adapter.needs or adapter.distribution) if adapter else missing
        remedy = f"pip install {packages}, or --python with one that has it"
        raise Unusable(f"needs {missing}, which is not installed: {remedy}") from None
    return _load_from(module, target, options)


def _load_objects(name: str) -> ModuleType:
    """Return a module of this name with the objects in the file that `properties.session.objects` wrote.

    Modules are imported from where the caller of `judge` imports them. Code without a file, such as that of
    notebook cells, gets its source. Raises what unpickling the objects raises.
    """
    with open(os.environ[OBJECTS], "rb") as file:
        sys.path[:], path, sources, pickled = pickle.load(file)
    for filename, lines in sources.items():
        linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)
    module = ModuleType(name)
    module.__dict__.update(pickle.loads(pickled), __file__=path)
    return module


def _load_file(target: Target, options: ModuleOptions) -> LoadedTarget:
    if not isfile(target.source):
        raise Unusable("is not a regular file" if exists(target.source) else "is a broken link")
    module, ran = _run_file(Path(target.source))
    if not ran.failed:
        return replace(_load_from(module, target, options), hint=ran.hint)
    root = target.attribute.partition(".")[0]
    names = [root] if root else [name for name in CONTRACTS if name in ran.bound_names] or [*CONTRACTS]
    lacking = {name: why for name in names if (why := ran.why_lacking(name))}
    with suppress(Unusable):
        loaded = _load_from(module, target, options)
        functions = {name: each for name, each in loaded.functions.items() if name not in lacking}
        if functions:
            signatures = {name: loaded.facts.functions[name] for name in functions}
            notes = [*loaded.facts.notes, *ran.notes([root] if root else functions)]
            facts = replace(loaded.facts, functions=signatures, lacking=lacking, notes=notes)
            return LoadedTarget(functions, loaded.holder, facts, ran.hint)
    if lacking:
        raise Unusable(f"cannot be imported: {next(iter(lacking.values()))}")
    raise ran.failed[0].error


def _load_from(module: ModuleType, target: Target, options: ModuleOptions) -> LoadedTarget:
    """Load the attribute of a module that the target names, or the module itself if the target names none."""
    holder: object = module
    for name in target.attribute.split(".") if target.attribute else ():
        try:
            holder = getattr(holder, name)
        except AttributeError:
            hint = closest(name, dir(holder))
            raise TargetMissing(f"'{target.source}' has no attribute '{target.attribute}'{hint}") from None
    folder = str(Path(target.source if target.is_file else module.__file__ or "").parent)
    if not (options.like or options.converts or is_module(holder)):
        supports = getattr(holder, "SUPPORTS", getattr(module, "SUPPORTS", None))
        return _without_namesakes(_load_functions(holder, folder, supports))
    if not target.attribute:
        hint = modules_hint(module)
        raise UnusableModule(f"it {hint}" if hint else "name a class or function in it, TARGET:CLASS")
    functions, supports, understood, network = understand(holder, target.attribute, options)
    facts = TargetFacts(
        dict.fromkeys(functions), folder=folder, supports=supports, understood=understood, network=network
    )
    return LoadedTarget(functions, holder, facts)


def _run_file(path: Path) -> tuple[ModuleType, RunStatements]:
    name, position = path.stem, 0
    with suppress(ImportError, ValueError):
        # A file must not hide an importable module: an adapter may have the name of its framework. The names
        # of our own packages are free, because our packages are hidden from the target.
        if name in sys.modules or (name not in OUR_PACKAGES and find_spec(name)):
            name, position = f"{name} under test", len(sys.path)
    sys.path.insert(position, str(path.parent))
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = str(path)
    module.__package__ = _package_of(path)
    return module, RunStatements(path, module.__dict__)


def _package_of(path: Path) -> str:
    """Import the package that a file is in, and return its name; empty if the file is in no package."""
    folder = path.parent
    init_file = folder / "__init__.py"
    if not init_file.is_file():
        return ""
    above = _package_of(folder)
    name = f"{above}.{folder.name}" if above else f"{folder.name} under test"  # no other module has this name
    spec = spec_from_file_location(name, init_file, submodule_search_locations=[str(folder)])
    assert spec
    assert spec.loader
    package = sys.modules[name] = module_from_spec(spec)
    with suppress(Exception):  # the file may not need the package
        spec.loader.exec_module(package)
    return name


def _load_functions(holder: object, folder: str, supports: object) -> LoadedTarget:
    functions = {name: getattr(holder, name) for name in CONTRACTS if hasattr(holder, name)}
    similar = {
        name: like for name in CONTRACTS if name not in functions and (like := similar_function(name, holder))
    }
    if not functions:
        if hint := modules_hint(holder):
            raise Unusable(hint)
        likes = ", ".join(f"{name} by '{like}'" for name, like in similar.items())
        hint = f"; did you mean {likes}?" if likes else classes_hint(holder)
        hint = hint or f"; {SCOPE}{like_hint(holder)}"
        names = ", ".join(FUNCTIONS)
        raise Unusable(f"has none of the functions {names}, of layers or of backward passes{hint}")
    signatures = {name: wrong_signature(CONTRACTS[name], function) for name, function in functions.items()}
    understood = next(filter(None, map(facts_from_like, functions.values())), {})
    facts = TargetFacts(
        functions=signatures, similar=similar, folder=folder, supports=supports, understood=understood
    )
    loaded = LoadedTarget(functions, holder, facts)
    if isinstance(holder, type) and _wrong_signatures(loaded):
        with suppress(Exception):  # a class whose constructor needs arguments stays a class
            return min(loaded, _load_functions(holder(), folder, supports), key=_wrong_signatures)
    return loaded


def _without_namesakes(loaded: LoadedTarget) -> LoadedTarget:
    """Leave out layers and backward passes with other parameters, if the target has other functions.

    They are helpers, such as `rnn_layer_backward(dh, cache)`, that have the name of a function by chance.
    """
    signatures = loaded.facts.functions
    namesakes = {name: text for name, text in signatures.items() if text and name not in FUNCTIONS}
    kept = signatures.keys() - namesakes.keys()
    if not kept:
        return loaded
    notes = [f"not judged, because of other parameters: {', '.join(namesakes.values())}"] if namesakes else ()
    functions = {name: each for name, each in loaded.functions.items() if name in kept}
    facts = replace(loaded.facts, functions={name: signatures[name] for name in functions}, notes=notes)
    return LoadedTarget(functions, loaded.holder, facts)


def _wrong_signatures(loaded: LoadedTarget) -> int:
    return sum(signature is not None for signature in loaded.facts.functions.values())
