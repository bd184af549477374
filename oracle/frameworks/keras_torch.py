"""Keras 3 with the backend torch: `oracle.frameworks.keras_layers`."""

import os

os.environ["KERAS_BACKEND"] = "torch"

from oracle.frameworks.keras_layers import *  # noqa: F403
