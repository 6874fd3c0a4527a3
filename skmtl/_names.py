"""Suggestions for misspelt names in error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def proposal(wrong: str, valid: Iterable[str]) -> str:
    """Return a sentence that suggests the closest valid name and lists all of them."""
    names = sorted(str(name) for name in valid)
    matches = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    hint = f" Did you mean {matches[0]!r}?" if matches else ""
    listing = ", ".join(repr(name) for name in names) if names else "none"
    return f"{hint} Valid names: {listing}."
