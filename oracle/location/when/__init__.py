"""When: the conditions that tell wrong elements from right ones, and the problems that show them."""
