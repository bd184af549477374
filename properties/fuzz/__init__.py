"""All laws in turns, until the time is up: what has a turn, how it goes, and where it has been."""
