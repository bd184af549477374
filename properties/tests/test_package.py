"""What the wheel says of itself: on the page of an index, and to type checkers."""

import re
import subprocess
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from oracle.tests.selection import in_sixth
from properties.tests.runs import CLONE, Installation

PROJECT = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]


def test_the_page_of_an_index_has_links_to_what_exists(wheel: Installation) -> None:
    files = ZipFile(wheel.wheel)
    (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(files.read(name).decode())
    assert metadata["Author"]
    assert {"Homepage", "Documentation", "Changelog", "Issues"} == {*PROJECT["urls"]}
    assert metadata["Version"] == PROJECT["version"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    links = re.findall(r"\]\(([^)]*)\)", str(metadata.get_payload()))
    assert len(links) > 20
    for link in links:
        root, _, path = link.partition("/blob/main/" if "/blob/" in link else "/raw/main/")
        assert root == PROJECT["urls"]["Homepage"], link
        page, _, heading = path.partition("#")
        assert (CLONE / page).exists(), link
        assert not heading or heading in headings(CLONE / page), link
        assert ("/raw/" in link) == link.endswith(".png")


def headings(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in found}


@in_sixth(1)
def test_a_type_checker_sees_the_types_of_the_installed_package(wheel: Installation, tmp_path: Path) -> None:
    """Takes seconds: mypy reads the package."""
    script = tmp_path / "script.py"
    script.write_text(
        "from rnn_crosscheck import Problem, judge\n"
        "reveal_type(Problem.lstm(n_x=1).n_x)\n"
        "judge('my_rnn.py').no_such_verdict\n"
    )
    python = wheel.command.programs / "python"
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), script.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[:-1] == [
        'script.py:2: note: Revealed type is "int"',
        'script.py:3: error: "Card" has no attribute "no_such_verdict"  [attr-defined]',
    ]
