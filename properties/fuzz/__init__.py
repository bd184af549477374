"""Fuzzing: all laws take turns until the time is up."""
