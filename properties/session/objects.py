"""Pickles the Python objects that `judge` was given, for the process in which they are judged."""

import inspect
import linecache
import marshal
import os
import pickle
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from itertools import takewhile
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle

from oracle.processes.program import OUR_PACKAGES
from properties.session.kernel import cell_of
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class Request:
    """What the command judges. The `target` is the name of the `pickled` objects, if there are any."""

    target: str
    options: tuple[str, ...]
    pickled: bytes = b""

    @classmethod
    def of(cls, words: Sequence[Any]) -> "Request":
        """The request for a target or objects, followed by options.

        Raises `TypeError` without a target and for an option that is no text, and `ValueError` for objects
        that cannot be judged or sent.
        """
        if not words:
            raise TypeError("judge and laws take a target, or objects")
        is_target = isinstance(words[0], (str, os.PathLike))
        objects = [] if is_target else [*takewhile(lambda word: not isinstance(word, str), words)]
        options = words[len(objects) or 1 :]
        for option in options:
            if not isinstance(option, str):
                raise TypeError(f"an option is a text, not {option!r}; objects come before the options")
        if not objects:
            return cls(os.fspath(words[0]), (*options,))
        if any(option.partition("=")[0] == "--python" for option in options):
            raise ValueError("objects are judged in the interpreter that has them; leave out --python")
        names, attribute = _named(objects)
        home = _home(objects[0])
        target = re.sub(r"[^\w.]", "_", home) + f":{attribute}" * bool(attribute)
        return cls(target, (*options,), _pickled(names, home))


def _named(objects: Sequence[Any]) -> tuple[dict[str, Any], str]:
    """The objects by name, and for one object that is no function of the contract, its name.

    A mapping, such as `globals()`, gives its functions and `SUPPORTS`. After functions, a mapping without
    functions is `SUPPORTS`, as in what `like` returns.
    """
    names: dict[str, Any] = {}
    for each in objects:
        name = str(getattr(each, "__name__", type(each).__name__))
        if isinstance(each, (Mapping, ModuleType)):
            given = each if isinstance(each, Mapping) else vars(each)
            found = {name: given[name] for name in (*CONTRACTS, "SUPPORTS") if name in given}
            names |= found if found or not names else {"SUPPORTS": given}
        elif name in CONTRACTS:
            names[name] = each
        elif len(objects) == 1:
            attribute = name if name.isidentifier() else "object"
            return {attribute: each}, attribute
        else:
            raise ValueError(f"{name} is none of the functions {', '.join(CONTRACTS)}; judge it alone")
    if not names.keys() & CONTRACTS.keys():
        raise ValueError(
            f"none of the functions {', '.join(CONTRACTS)} is among these objects; a class, a module of "
            "torch or what makes one is judged alone, as in judge(MyLSTM)"
        )
    supports = getattr(sys.modules.get(_home(objects[0])), "SUPPORTS", None)
    return ({} if supports is None else {"SUPPORTS": supports}) | names, ""


def _home(value: Any) -> str:
    """The name of the module that defines an object or has it as its namespace."""
    name = value.get("__name__") if isinstance(value, Mapping) else None
    name = name or getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", None)
    return name if isinstance(name, str) else "__main__"


def _pickled(names: Mapping[str, Any], home: str) -> bytes:
    """The contents of the file for `properties.worker.loading`.

    What the users' own modules define is pickled by value, because their files may have changed since.
    """
    file = getattr(sys.modules.get(home), "__file__", None) or str(Path.cwd() / home)
    sources: dict[str, list[str]] = {}
    with ExitStack() as registered:
        for name in filter(_is_own, {home, *map(_home, names.values())}):
            cloudpickle.register_pickle_by_value(sys.modules[name])
            registered.callback(cloudpickle.unregister_pickle_by_value, sys.modules[name])
        try:
            pickled = _dump(names, Path(file).parent, sources)
        except Exception as error:
            raise ValueError(_why_not_sent(names) or str(error)) from None
    return pickle.dumps(([*map(os.path.abspath, sys.path)], file, sources, pickled))


def _is_own(module: str) -> bool:
    """Whether a module is the user's own: it has a file, and is neither installed nor ours."""
    file = getattr(sys.modules.get(module), "__file__", None) or "site-packages"
    is_installed = {"site-packages", "dist-packages"} & {*Path(file).parts}
    return not is_installed and module.partition(".")[0] not in (*sys.stdlib_module_names, *OUR_PACKAGES)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Keeps the file name of code. Code without a file gets a name in a folder, and its source is kept."""

    def __init__(self, file: BytesIO, folder: Path, sources: dict[str, list[str]]) -> None:
        super().__init__(file)
        self._folder, self._sources = folder, sources

    def reducer_override(self, obj: Any) -> Any:
        """Return how to pickle an object; called by `dump`."""
        if isinstance(obj, CodeType):
            return marshal.loads, (marshal.dumps(self._named(obj)),)
        return super().reducer_override(obj)

    def _named(self, code: CodeType) -> CodeType:
        name = code.co_filename
        if not os.path.isfile(name) and (lines := linecache.getlines(name)):
            name = str(self._folder / (cell_of(name) or Path(name).name))
            self._sources[name] = lines
        inner = (self._named(each) if isinstance(each, CodeType) else each for each in code.co_consts)
        return code.replace(co_filename=name, co_consts=(*inner,))


def _dump(value: Any, folder: Path, sources: dict[str, list[str]]) -> bytes:
    file = BytesIO()
    _Pickler(file, folder, sources).dump(value)
    return file.getvalue()


def _why_not_sent(names: Mapping[str, Any]) -> str:
    """Which of these objects, or which innermost global or free variable of a function, is not picklable."""
    waiting, seen, why = [*names.items()], set[int](), ""
    for name, value in waiting:  # which grows meanwhile
        try:
            _dump(value, Path(), {})
        except Exception as error:
            why = f"{name} ({type(value).__name__}) cannot be sent to the process that is judged: {error}"
            if isinstance(value, FunctionType) and id(value) not in seen:
                seen.add(id(value))
                nonlocals, used_globals, *_ = inspect.getclosurevars(value)
                waiting += {**nonlocals, **used_globals}.items()
    return why
