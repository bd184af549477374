"""Builds a wheel with one import name: the package `oracle` becomes `rnn_crosscheck.oracle`."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

NAME = "rnn_crosscheck"
FOLDERS = (NAME, "reference", "oracle", "properties")
_OURS = "(reference|oracle|properties)"


class OneName(BuildHookInterface[Any]):
    """Moves our packages into one package, and rewrites their imports of each other."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write each file of the product with the imports of the wheel. Editable installs need no copies."""
        if version == "editable":
            return
        root = Path(self.root)
        self._written = TemporaryDirectory()
        files = [root / "conftest.py", *(file for name in FOLDERS for file in (root / name).rglob("*"))]
        for file in files:
            path = file.relative_to(root)
            if file.suffix not in (".py", ".jinja") or "tests" in path.parts:
                continue
            inside = Path(NAME, *(path.parts[1:] if path.parts[0] == NAME else path.parts))
            written = Path(self._written.name, inside)
            written.parent.mkdir(parents=True, exist_ok=True)
            text = file.read_text(encoding="utf-8")
            written.write_text(with_renamed_imports(text) if file.suffix == ".py" else text, encoding="utf-8")
            build_data["force_include"][str(written)] = str(inside)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the files that `initialize` has written."""
        if version != "editable":
            self._written.cleanup()


class AbsoluteLinks(MetadataHookInterface):
    """Makes the description from README.md, for the page of an index, where relative links lead nowhere."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        for kind, ending in (("raw", r"\.png"), ("blob", "")):
            pages = f"{metadata['urls']['Homepage']}/{kind}/main/"
            text = re.sub(rf"(?<=\]\()(?!https:)([^)]+{ending}\))", rf"{pages}\1", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def with_renamed_imports(source: str) -> str:
    """Return the source of a module, with the imports of our packages as in the wheel."""
    source = re.sub(rf"^(\s*)import {_OURS}$", rf"\1from {NAME} import \2", source, flags=re.MULTILINE)
    return re.sub(rf"^(\s*)from {_OURS}\b", rf"\1from {NAME}.\2", source, flags=re.MULTILINE)
