"""A layer seen as the forward that it is made of, in a setting: alone, or above another, in a direction."""
