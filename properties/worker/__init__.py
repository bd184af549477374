"""The process that runs the code of a target. It needs only the standard library and NumPy."""
