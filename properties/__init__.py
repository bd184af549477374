"""The laws, and the packages that check implementations by them: see docs/architecture.md."""
