"""Keras 3 with the backend TensorFlow: `oracle.frameworks.keras_layers`."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

from oracle.frameworks.keras_layers import *  # noqa: F403
