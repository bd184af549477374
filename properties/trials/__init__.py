"""Laws, their trials on single problems, the violations, and the counts."""
