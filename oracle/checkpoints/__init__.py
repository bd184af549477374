"""Files of trained weights, and the recurrent layers that are in them. Nothing of a file is executed."""

from oracle.checkpoints.checkpoint import Checkpoint, load, only_layer, select, split
from oracle.checkpoints.error import CheckpointError
from oracle.checkpoints.layer import RecurrentLayer

__all__ = ["Checkpoint", "CheckpointError", "RecurrentLayer", "load", "only_layer", "select", "split"]
