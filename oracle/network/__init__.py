"""The network, written once: the equations of a step, time, layers and directions, for any arithmetic."""
