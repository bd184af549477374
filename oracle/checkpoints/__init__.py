"""Reads the recurrent layers in files of trained weights. No code from a file is executed."""

from oracle.checkpoints.checkpoint import Checkpoint, load, only_layer, select, split
from oracle.checkpoints.contents import CheckpointError
from oracle.checkpoints.layer import RecurrentLayer

__all__ = ["Checkpoint", "CheckpointError", "RecurrentLayer", "load", "only_layer", "select", "split"]
