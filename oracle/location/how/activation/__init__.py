"""Which function stands in the place of an activation, told from its arguments and values."""
