"""The implementation under test: its process, the calls of its functions, and what they return."""
