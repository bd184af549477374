"""Connects the laws to pytest: options, tests, fixtures and results."""
