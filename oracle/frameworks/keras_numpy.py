"""The adapter `oracle.frameworks.keras_layers` on Keras 3 with the backend NumPy, which has no gradients."""

import os

os.environ["KERAS_BACKEND"] = "numpy"

from oracle.frameworks.keras_layers import *  # noqa: F403
