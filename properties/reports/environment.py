"""What affects results besides the targets: versions, platform, profile and seed."""

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

import hypothesis
import numpy as np


def describe(profile: str, seed: str) -> dict[str, str]:
    """The effective configuration by name."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "rnn-crosscheck": version("rnn-crosscheck"),
        "python": platform.python_version(),
        "numpy": f"{np.__version__} ({blas['name']} {blas['version']})",
        "torch": version("torch"),  # the controller of pytest-xdist does not import torch
        "hypothesis": hypothesis.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "profile": profile,
        "seed": seed,
    }


def digest_of_folder(folder: Path) -> str:
    """A digest of the modules in a folder of helpers."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(os.fsencode(file.relative_to(folder)) + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
