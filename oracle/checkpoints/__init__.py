"""Reads the recurrent layers in files of trained weights. It runs no code from a file."""

from oracle.checkpoints.layers import Checkpoint, RecurrentLayer, load, only_layer, select, split
from oracle.checkpoints.reading import CheckpointError

__all__ = ["Checkpoint", "CheckpointError", "RecurrentLayer", "load", "only_layer", "select", "split"]
