"""The results of the laws as one model, and its views: closing table, reports and exit status."""
