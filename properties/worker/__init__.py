"""The target's side: the process that runs foreign code, of Python and NumPy alone, and the line to it."""
