"""The undocumented parts of other projects that we use: a module for each project, and tests of them."""
