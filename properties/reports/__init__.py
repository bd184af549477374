"""What came of the laws: one model, and the table, the files and the exit status that are views of it."""
