"""From checked data and parameters to a fitted network."""
