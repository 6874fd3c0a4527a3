"""The blend: networks and kernel models weighed by their out-of-fold predictions, and what these predictions tell."""
