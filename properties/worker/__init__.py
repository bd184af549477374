"""The process that runs the code of a target, with the standard library and NumPy alone."""
