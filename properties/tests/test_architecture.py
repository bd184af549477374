"""The picture of the house is true: imports go from a room to those above it in docs/architecture.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from oracle.processes import posix

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
OURS = ("reference", "oracle", "properties", "conftest")


def rooms() -> dict[str, int]:
    """Every room of the page, and the row that it stands in."""
    rows = re.findall(r"^\| (`[^|]+`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {room: row for row, cell in enumerate(rows) for room in re.findall(r"`([^`]+)`", cell)}


def modules() -> dict[str, Path]:
    """Every module of the product by name; tests are none."""
    files = [ROOT / "conftest.py", *(file for top in OURS[:3] for file in (ROOT / top).rglob("*.py"))]
    paths = [file.relative_to(ROOT) for file in files if "tests" not in file.relative_to(ROOT).parts]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): ROOT / path for path in paths}


MODULES, ROOMS = modules(), rooms()


def room_of(module: str) -> str:
    """The room with the longest name that a module is in."""
    return max((room for room in ROOMS if f"{module}.".startswith(f"{room}.")), key=len, default="")


def row_of(module: str) -> int:
    """The row of a module's room; a module of `properties` in no room may import from all rows."""
    return ROOMS.get(room_of(module) or module.partition(".")[0], len(ROOMS))


def imports(module: str) -> Iterator[str]:
    """What a module imports, wherever in it: inside a function and for type checkers too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports by a relative name"
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in MODULES else str(node.module)


IMPORTED = {module: {*imports(module)} for module in MODULES}


def test_imports_come_from_the_rooms_above() -> None:
    below = [
        f"{module} imports {other}"
        for module, names in IMPORTED.items()
        for other in names
        if other.partition(".")[0] in OURS and ROOMS[room_of(other)] > row_of(module)
    ]
    assert not below, "a module imports from a room below its own"


def test_imports_go_down_from_package_to_package() -> None:
    """The rows alone do not show this, since some rooms of `properties` stand above some of `oracle`."""
    heights = {top: height for height, top in enumerate(OURS)}
    upward = [
        f"{module} imports {other}"
        for module, names in IMPORTED.items()
        for other in names
        if heights.get(other.partition(".")[0], 0) > heights[module.partition(".")[0]]
    ]
    assert not upward, "a module imports from a package above its own"


def test_there_is_no_circle() -> None:
    graph = {module: names & MODULES.keys() - {module} for module, names in IMPORTED.items()}
    TopologicalSorter(graph).prepare()  # which raises where there is one


def test_every_module_has_a_room_and_every_room_is_there() -> None:
    assert {module for module in MODULES if not room_of(module)} <= {"properties"}
    assert ROOMS.keys() <= MODULES.keys()


def test_adapters_import_little_of_ours() -> None:
    allowed = {
        "oracle.weights.conversion",
        "oracle.weights.layout",
        "oracle.weights.naming",
        "reference.contract",
    }
    for module in (module for module in MODULES if room_of(module) == "oracle.frameworks"):
        ours = {name for name in IMPORTED[module] if name.partition(".")[0] in OURS}
        others = {name for name in ours if room_of(name) not in ("oracle.frameworks", "oracle.modules")}
        assert others <= allowed, module


def test_what_runs_in_the_interpreter_of_a_target_needs_numpy_alone() -> None:
    ours = {
        "reference": {"reference"},
        "oracle.modules": {"oracle.modules", "oracle.weights.layout", "oracle.weights.naming", "reference"},
        "oracle.processes": {"oracle.processes"},
        "properties.worker": {"properties.worker", "oracle.modules", "oracle.processes", "reference"},
    }
    for room, allowed in ours.items():
        for module in (module for module in MODULES if room_of(module) == room):
            needed = {name for name in IMPORTED[module] if not name.startswith((*allowed,))}
            packages = {name.partition(".")[0] for name in needed} - sys.stdlib_module_names
            assert packages <= {"numpy"}, module


def test_what_only_posix_systems_have_is_imported_in_one_module() -> None:
    """No other module has `os.fork`, `import resource` or `from os import fork`."""
    names = {*vars(posix), "fcntl", "pwd", "termios"} - {"os"}
    standard = sys.stdlib_module_names - {"posix"}

    def uses(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return node.attr in names and ast.unparse(node.value) in standard
        if isinstance(node, ast.ImportFrom) and node.module not in standard:
            return False
        return isinstance(node, (ast.Import, ast.ImportFrom)) and any(e.name in names for e in node.names)

    trees = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in MODULES.items()}
    assert [name for name, tree in trees.items() if any(map(uses, ast.walk(tree)))] == [posix.__name__]


def test_frameworks_are_imported_where_they_are_asked() -> None:
    asked = {module for module, names in IMPORTED.items() if "torch" in names}
    adapters = {module for module in asked if room_of(module) == "oracle.frameworks"}
    of_our_own = {
        "oracle.checkpoints.files",
        "oracle.checkpoints.writing",
        "oracle.witnesses.pytorch",
    }
    assert asked - adapters == of_our_own


def test_what_takes_long_to_import_is_imported_where_it_is_needed() -> None:
    """Options and laws import neither torch, which takes a second, nor the readers of files of weights."""
    lines = [
        "from importlib import import_module",
        "import conftest, properties.laws, sys",
        "[*map(import_module, conftest.pytest_plugins)]",
        "properties.laws.all_laws()",
        "assert not {'torch', 'oracle.checkpoints'} & {*sys.modules}",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, check=True)


def test_no_cell_of_the_tables_is_long() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [cell for row in rows for cell in row.strip("|").split(" | ")]
    assert [cell for cell in cells if len(cell.split()) > 25] == []
