"""How far workers are, told through a file: one line of progress where the caller is."""

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

# Seconds between two looks.
_PAUSE = 0.5


class FileProgress(Progress):
    """Writes every epoch's losses to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def update(self, group: int, history: History, start: int, stop: int) -> None:  # noqa: ARG002
        """Tell of the last epoch."""
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps({"epoch": stop, "losses": history.last_logs()}), encoding="utf-8")
        draft.replace(self._path)


class _Losses:
    """What a line of progress asks of a history."""

    def __init__(self, losses: dict[str, float]) -> None:
        self._losses = losses

    def last_logs(self) -> dict[str, float]:
        return self._losses

    def lines(self, start: int, stop: int, epochs: int) -> list[str]:  # noqa: ARG002 - the last is known
        shown = "  ".join(f"{name} {self._losses[name]:.4f}" for name in ("loss", "val_loss") if name in self._losses)
        return [f"epoch {stop}/{epochs}  {shown}"]


class Ending:
    """Why the workers stopped, as soon as the caller knows."""

    stop: StopReason | None = None


@contextmanager
def reported(path: Path, verbose: int, epochs: int) -> Iterator[Ending]:
    """Print a line of progress that follows what workers write to ``path``; the caller says why it ends."""
    over = threading.Event()
    with progress_of(verbose, epochs, [range(1)]) as progress:
        watcher = threading.Thread(target=_watch, args=(path, progress, over), daemon=True)
        watcher.start()
        ending = Ending()
        try:
            yield ending
        finally:
            over.set()
            watcher.join()
        if ending.stop is not None:
            progress.ended(ending.stop)


def _watch(path: Path, progress: Progress, over: threading.Event) -> None:
    done = 0
    while not over.wait(_PAUSE):
        done = _look(path, progress, done)
    _look(path, progress, done)


def _look(path: Path, progress: Progress, done: int) -> int:
    """Tell of what is new since epoch ``done``; gives the epoch that was told last."""
    if not path.exists():
        return done
    now: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if now["epoch"] > done:
        losses: Any = _Losses(now["losses"])
        progress.update(0, losses, done, now["epoch"])
    return int(now["epoch"])
