"""Reads the TOML files that a user writes."""

import tomllib
from pathlib import Path
from typing import Any


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file. Raises `ValueError` that names the file and says what is wrong with it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # of the syntax, or of the encoding
        raise ValueError(f"{path}: not valid TOML: {error}") from None
