"""What a run depends on besides the implementation: versions, profile, seed, threads."""

import platform

import hypothesis
import numpy as np
import torch
from hypothesis import settings


def describe(seed: str) -> dict[str, str]:
    """The effective configuration, by name."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "python": platform.python_version(),
        "numpy": f"{np.__version__} ({blas['name']} {blas['version']})",
        "torch": torch.__version__,
        "hypothesis": hypothesis.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "profile": settings.get_current_profile_name(),
        "seed": seed,
        "torch threads": str(torch.get_num_threads()),
    }
