"""What must hold of any implementation, and how one is held to it: a room for each step of a problem.

Drawn, posed, answered (by a worker), judged, explained, stored, and in the end reported; a turn runs a law
through them. docs/architecture.md has the picture, and what each room may import.
"""
