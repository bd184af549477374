"""Stored: problems on which a law did not hold, here and where machines share them."""
