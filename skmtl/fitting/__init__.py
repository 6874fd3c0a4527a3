"""From checked data and parameters to a fitted network."""

__all__: list[str] = []
