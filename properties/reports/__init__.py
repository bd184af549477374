"""The results of the laws: one model, and its views: the closing table, the reports and the exit status."""
