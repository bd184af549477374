"""The undocumented parts of other projects that we use, in one module for each project."""
