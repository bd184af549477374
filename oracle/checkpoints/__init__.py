"""Reads the recurrent layers in files of trained weights. It runs no code from a file."""

from oracle.checkpoints.checkpoint import Checkpoint, load, only_layer, select, split
from oracle.checkpoints.contents import CheckpointError
from oracle.checkpoints.layer import RecurrentLayer

__all__ = ["Checkpoint", "CheckpointError", "RecurrentLayer", "load", "only_layer", "select", "split"]
