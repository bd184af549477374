"""What affects results besides the targets: versions, platform, profile and seed."""

import hashlib
import platform
import re
from functools import cache
from importlib.metadata import version
from pathlib import Path

import hypothesis
import numpy as np

_IMPORT = re.compile(rb"\s*(from|import)\b")


def describe(profile: str, seed: str) -> dict[str, str]:
    """The effective configuration by name."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "rnn-crosscheck": our_digest(),
        "python": platform.python_version(),
        "numpy": f"{np.__version__} ({blas['name']} {blas['version']})",
        "torch": version("torch"),  # the controller of pytest-xdist does not import torch
        "hypothesis": hypothesis.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "profile": profile,
        "seed": seed,
    }


@cache
def our_digest() -> str:
    """A digest of our sources. Imports are left out, since they differ in an installation."""
    root = Path(__file__).parents[2]
    files = [file for name in ("reference", "oracle", "properties") for file in (root / name).rglob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(file for file in files if "tests" not in file.relative_to(root).parts):
        digest.update(without_imports(file.read_bytes()))
    return digest.hexdigest()[:12]


def without_imports(source: bytes) -> bytes:
    """A module without the lines that begin an import."""
    return b"\n".join(line for line in source.splitlines() if not _IMPORT.match(line))
