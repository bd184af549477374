"""The adapter `oracle.frameworks.keras_layers` on Keras 3 with the backend JAX."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"  # without it JAX has no float64

from oracle.frameworks.keras_layers import *  # noqa: F403
