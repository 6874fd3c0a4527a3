"""Words for error messages: proposals for a misspelt name, and lists of what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def proposal(wrong: str, valid: Iterable[str]) -> str:
    """Sentence that proposes the nearest valid name and lists the others."""
    names = sorted(str(name) for name in valid)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listing = ", ".join(repr(name) for name in names) if names else "none"
    return f"{hint} Valid names: {listing}."
