"""The blend of networks and kernel models, weighted by out-of-fold predictions, and everything else based on these."""

__all__: list[str] = []
