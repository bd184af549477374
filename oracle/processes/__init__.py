"""What our processes share, of which one runs a target and one reads a file; it needs only NumPy."""
