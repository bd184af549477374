"""What is true of a problem, by torch, exact values and bounds, and who is wrong."""
