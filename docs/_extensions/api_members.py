"""What of a class is shown, and how the names in its docstring are read."""

from __future__ import annotations

import re
from typing import Any

LITERAL = re.compile(r"(`+[^`]*`+)")
NAME = re.compile(r"(?<![\w\\|>*])([A-Za-z]\w*)_(?![\w*`])")
PRIVATE = re.compile(r", _\w+=<factory>")


def escape(line: str) -> str:
    """The line with the final underscores of bare names escaped; what stands in backquotes is left alone.

    ``n_iter_`` is a fitted attribute; reStructuredText takes it for a reference to ``n_iter``.
    """
    parts = LITERAL.split(line)
    return "".join(part if part.startswith("`") else NAME.sub(r"\1\\_", part) for part in parts)


def escape_names(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape names in a docstring's text; examples are left as they are."""
    del app, what, name, obj, options
    lines[:] = [line if line.lstrip().startswith((">>>", "...")) else escape(line) for line in lines]


def skip_scikit_learns(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn gives every estimator: its docstrings refer to pages of its own documentation."""
    del app, what, skip, options
    function = getattr(obj, "__func__", obj)
    theirs = str(getattr(function, "__module__", "")).startswith("sklearn.")
    return True if theirs or re.fullmatch(r"set_\w+_request", name) else None


def drop_private_arguments(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Leave a record's private fields out of its signature."""
    del app, what, name, obj, options
    return (PRIVATE.sub("", signature) if signature else signature), returns


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx, after numpydoc."""
    app.connect("autodoc-process-docstring", escape_names, priority=900)
    app.connect("autodoc-skip-member", skip_scikit_learns)
    app.connect("autodoc-process-signature", drop_private_arguments)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
