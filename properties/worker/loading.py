"""Find the four functions in a target. This runs foreign code: only a worker imports what it is given."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from properties.worker.notebook import run_definitions
from properties.worker.ours import FRAMEWORKS, NAMES, hide, is_ours
from properties.worker.targets import Target, TargetMissing, Unusable, closest
from reference.contract import CONTRACTS, Contract


@dataclass(frozen=True)
class Loaded:
    """The functions found, for each whether it is another contract, the object that holds them, the folder of
    the code, and what `SUPPORTS` declares, in the object or in its module; `None` where there is none.
    """

    functions: Mapping[str, Callable[..., Any]]
    contracts: Mapping[str, str | None]
    holder: object
    folder: str
    supports: object

    @property
    def other_contracts(self) -> int:
        """How many functions are not called as the specification calls them."""
        return sum(reason is not None for reason in self.contracts.values())


def load(target: Target, directory: Path) -> Loaded:
    """Import a target and find the functions in it.

    Raises `TargetMissing` where the module or the attribute does not exist, `Unusable` where none of the
    functions does, and whatever the target raises while it is imported.
    """
    if not is_ours(target.source):
        hide()
    try:
        module = (
            _import_file(Path(target.source)) if target.is_file else _import_module(target.source, directory)
        )
    except ModuleNotFoundError as error:
        if not target.source.startswith(f"{FRAMEWORKS}."):
            raise
        raise Unusable(_how_to_install(target.source, error)) from None
    holder: object = module
    for name in target.attribute.split(".") if target.attribute else ():
        holder = _attribute(holder, name, target)
    supports = getattr(holder, "SUPPORTS", getattr(module, "SUPPORTS", None))
    return _with_functions(holder, str(Path(module.__file__ or "").parent), supports)


def _how_to_install(source: str, error: ModuleNotFoundError) -> str:
    """Why an adapter cannot be imported here, and what would help."""
    known = importlib.import_module(FRAMEWORKS).ADAPTERS.get(source.rpartition(".")[2])
    extra = known.extra if known else ""
    package = f"'rnn-crosscheck[{extra}]'" if extra else error.name
    return (
        f"needs {error.name}, which is not installed: pip install {package}, or --python with one that has it"
    )


def _import_file(path: Path) -> ModuleType:
    if path.stem in sys.modules or _is_installed(path.stem):  # an adapter may be called as what it adapts
        name = f"{path.stem} under test"
        sys.path.append(str(path.parent))
    else:
        name = path.stem
        sys.path.insert(0, str(path.parent))
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__package__ = _package_of(path)
    sys.modules[module.__name__] = module
    if path.suffix == ".ipynb":
        run_definitions(path, module.__dict__)
    else:
        exec(compile(path.read_bytes(), path, "exec", dont_inherit=True), module.__dict__)
    return module


def _is_installed(name: str) -> bool:
    """Whether there is a package of a name; where our clone is installed, its own are hidden."""
    try:
        return name not in NAMES and find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _package_of(path: Path) -> str:
    """The package that a file is in, which its relative imports are about; empty where it is in none.

    It is made under a name that nothing else has: a folder may be called as a module of Python's own is.
    """
    folder = path.parent
    initial = folder / "__init__.py"
    if not initial.is_file():
        return ""
    above = _package_of(folder)
    name = f"{above}.{folder.name}" if above else f"{folder.name} under test"
    spec = spec_from_file_location(name, initial, submodule_search_locations=[str(folder)])
    assert spec
    assert spec.loader
    package = sys.modules[name] = module_from_spec(spec)
    with suppress(Exception):  # the file itself may do without
        spec.loader.exec_module(package)
    return name


def _import_module(name: str, directory: Path) -> ModuleType:
    sys.path.insert(0, str(directory))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing != name and not name.startswith(f"{missing}."):
            raise
    parent, _, last = missing.rpartition(".")
    where = getattr(sys.modules.get(parent), "__path__", []) if parent else [str(directory)]
    hint = closest(last, (module.name for module in pkgutil.iter_modules(where)))
    raise TargetMissing(f"no module '{missing}', neither in '{directory}' nor installed{hint}")


def _attribute(holder: object, name: str, target: Target) -> object:
    try:
        return getattr(holder, name)
    except AttributeError:
        hint = closest(name, dir(holder))
        raise TargetMissing(f"'{target.source}' has no attribute '{target.attribute}'{hint}") from None


def _with_functions(holder: object, folder: str, supports: object) -> Loaded:
    functions = {name: getattr(holder, name) for name in CONTRACTS if hasattr(holder, name)}
    if not functions:
        raise Unusable(f"has none of the functions {', '.join(CONTRACTS)}")
    contracts = {name: _other_contract(CONTRACTS[name], function) for name, function in functions.items()}
    loaded = Loaded(functions, contracts, holder, folder, supports)
    if isinstance(holder, type) and loaded.other_contracts:
        with suppress(Exception):  # what cannot be made without arguments remains a class
            made = _with_functions(holder(), folder, supports)
            return min(loaded, made, key=lambda either: either.other_contracts)
    return loaded


def _other_contract(contract: Contract, function: object) -> str | None:
    """Why a function is not called as the specification calls it; `None` where it is, or does not tell."""
    if not callable(function):
        return f"{contract.name} of type {type(function).__name__}"
    try:
        signature = inspect.signature(function)
        text = f"{contract.name}{signature}"
    except Exception:  # built-in functions have none, and what a default prints itself as is foreign code
        return None
    try:
        signature.bind(*contract.arguments, *contract.at_last)
    except TypeError:
        return text if len(text) <= 200 else f"{text[:200]}…"
    return None
