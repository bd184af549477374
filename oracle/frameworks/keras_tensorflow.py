"""The adapter `oracle.frameworks.keras_layers` on Keras 3 with the backend TensorFlow."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

from oracle.frameworks.keras_layers import *  # noqa: F403
