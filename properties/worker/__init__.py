"""The process that runs the target's code, with the standard library and NumPy, and its messages."""
