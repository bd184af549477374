"""The adapter `oracle.frameworks.keras_layers` on Keras 3 with the backend torch."""

import os

os.environ["KERAS_BACKEND"] = "torch"

from oracle.frameworks.keras_layers import *  # noqa: F403
