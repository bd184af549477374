"""The tests of the reference."""
