"""Progress of remote workers, passed to the caller through a file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._records import StopReason
from ..training._progress import Progress, progress_of

if TYPE_CHECKING:
    from ..training._history import History

# Seconds between two reads of the file.
_PAUSE = 0.5


class FileProgress(Progress):
    """Writes the losses of each epoch to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def update(self, group: int, history: History, start: int, stop: int) -> None:  # noqa: ARG002
        """Write the number and losses of the last epoch."""
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps({"epoch": stop, "losses": history.last_logs()}), encoding="utf-8")
        draft.replace(self._path)


class _Losses:
    """The part of a history's interface that a progress line uses."""

    def __init__(self, losses: dict[str, float]) -> None:
        self._losses = losses

    def last_logs(self) -> dict[str, float]:
        return self._losses

    def lines(self, start: int, stop: int, epochs: int) -> list[str]:  # noqa: ARG002 - only the last epoch is known
        shown = "  ".join(f"{name} {self._losses[name]:.4f}" for name in ("loss", "val_loss") if name in self._losses)
        return [f"epoch {stop}/{epochs}  {shown}"]


class WatchedRun:
    """A run of the workers; the caller sets ``stop`` to the reason why training stopped."""

    stop: StopReason | None = None


@contextmanager
def show_progress(path: Path, verbose: int, epochs: int) -> Iterator[WatchedRun]:
    """Print the progress that workers write to ``path`` until the block ends."""
    finished = threading.Event()
    with progress_of(verbose, epochs, [range(1)]) as progress:
        watcher = threading.Thread(target=_watch, args=(path, progress, finished), daemon=True)
        watcher.start()
        run = WatchedRun()
        try:
            yield run
        finally:
            finished.set()
            watcher.join()
        if run.stop is not None:
            progress.ended(run.stop)


def _watch(path: Path, progress: Progress, finished: threading.Event) -> None:
    shown = 0
    while not finished.wait(_PAUSE):
        shown = _show_new(path, progress, shown)
    _show_new(path, progress, shown)


def _show_new(path: Path, progress: Progress, shown: int) -> int:
    """Show the epochs after ``shown``; return the last epoch in the file."""
    if not path.exists():
        return shown
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if state["epoch"] > shown:
        losses: Any = _Losses(state["losses"])
        progress.update(0, losses, shown, state["epoch"])
    return int(state["epoch"])
