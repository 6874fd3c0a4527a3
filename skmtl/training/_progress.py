"""What is printed while training goes on: nothing, one line that moves, or a line an epoch."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from .._records import StopReason
from ._history import History

# In a log file a line after so many seconds; after minutes, at every tenth of the time that has passed.
_SECONDS_BETWEEN_LINES = 10.0
_SHARE_BETWEEN_LINES = 0.1
_SHOWN = ("loss", "val_loss")
_BAR = " {n_fmt}/{total_fmt} |{bar:20}| {elapsed}<{remaining}{postfix}"
_LAST = " {n_fmt}/{total_fmt}, {elapsed}{postfix}"


def progress_of(verbose: int, epochs: int, groups: Sequence[range]) -> Progress:
    """What ``verbose`` asks for; ``groups`` are the members that are trained together."""
    if verbose <= 0:
        return Progress()
    return ProgressLine(epochs, groups) if verbose == 1 else EpochLines(epochs, groups)


class Progress:
    """Prints nothing. Its methods are called from the threads of all groups.

    ``parts`` says in how many parts a chunk of epochs is to be trained, to have something to tell in between.
    """

    parts = 1

    def update(self, group: int, history: History, start: int, stop: int) -> None:
        """Tell of the epochs from ``start`` to ``stop``, those that the group's history got last."""

    def over(self, group: int) -> None:
        """Tell that a group takes no more epochs."""

    def ended(self, stop: StopReason) -> None:
        """Tell that all groups are done, and why."""

    def close(self) -> None:
        """Leave the terminal as it should be, after an error too."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class EpochLines(Progress):
    """A line for every epoch of every group."""

    def __init__(self, epochs: int, groups: Sequence[range]) -> None:
        self._epochs = epochs
        several = len(groups) > 1
        self._labels = [f"members {group.start + 1}-{group.stop}  " if several else "" for group in groups]

    def update(self, group: int, history: History, start: int, stop: int) -> None:
        """Print the epochs' lines."""
        for line in history.lines(start, stop, self._epochs):
            sys.stdout.write(f"{self._labels[group]}{line}\n")


class ProgressLine(Progress):
    """One line for all groups: the epoch of the slowest, and the losses averaged over all members."""

    parts = 8

    def __init__(self, epochs: int, groups: Sequence[range]) -> None:
        self._sizes = [len(group) for group in groups]
        self._done = [0] * len(groups)
        self._over = [False] * len(groups)
        self._losses: list[dict[str, float]] = [{} for _ in groups]
        self._lock = threading.Lock()
        self._line: Bar | LogLines = Bar(epochs) if _redraws(sys.stdout) else LogLines(epochs)

    def update(self, group: int, history: History, start: int, stop: int) -> None:  # noqa: ARG002
        """Move on to the group's last epoch."""
        losses = history.last_logs()
        with self._lock:
            self._done[group], self._losses[group] = stop, losses
            self._line.show(self._epoch(), self._text())

    def over(self, group: int) -> None:
        """Wait for the group no more."""
        with self._lock:
            self._over[group] = True

    def ended(self, stop: StopReason) -> None:
        """Show the last epoch, and why it was the last one where there might have been more."""
        reason = "" if stop is StopReason.EPOCHS_USED else f", {stop.value}"
        self._line.finish(max(self._done), f"{self._text()}{reason}")

    def close(self) -> None:
        """End the line."""
        self._line.close()

    def _epoch(self) -> int:
        going = [done for done, over in zip(self._done, self._over, strict=True) if not over]
        return min(going, default=max(self._done))

    def _text(self) -> str:
        means = {name: self._mean(name) for name in _SHOWN}
        return ", ".join(f"{name} {mean:.4f}" for name, mean in means.items() if not math.isnan(mean))

    def _mean(self, name: str) -> float:
        """Mean of a loss over the members of all groups that have it."""
        pairs = [(losses.get(name, math.nan), size) for losses, size in zip(self._losses, self._sizes, strict=True)]
        known = [(loss, size) for loss, size in pairs if not math.isnan(loss)]
        count = sum(size for _, size in known)
        return sum(loss * size for loss, size in known) / count if count else math.nan


class CountLine:
    """One line that counts what has ended, from whatever thread it is told."""

    def __init__(self, total: int, unit: str) -> None:
        self._line: Bar | LogLines = Bar(total, unit) if _redraws(sys.stdout) else LogLines(total, unit)
        self._lock = threading.Lock()
        self._done = 0

    def add(self, count: int) -> None:
        """Count so many more."""
        with self._lock:
            self._done += count
            self._line.show(self._done, "")

    def close(self) -> None:
        """Show how many it were, and end the line."""
        self._line.finish(self._done, "")
        self._line.close()


class Bar:
    """A line drawn over and over, by tqdm."""

    def __init__(self, total: int, unit: str = "epoch") -> None:
        self._unit = unit
        self._bar = _bar_class()(total=total, file=sys.stdout, dynamic_ncols=True, bar_format=unit + _BAR)

    def show(self, epoch: int, text: str) -> None:
        """Draw, unless it was drawn a moment ago."""
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(epoch - self._bar.n)

    def finish(self, epoch: int, text: str) -> None:
        """Say what stays when the line is closed."""
        self._bar.bar_format = self._unit + _LAST
        self._bar.n = epoch
        self._bar.set_postfix_str(text, refresh=False)

    def close(self) -> None:
        """Draw for the last time, and go to the next line."""
        self._bar.close()


class LogLines:
    """Now and then a line of its own, where lines cannot be drawn over: in a file, a pipe, a batch job's log."""

    def __init__(self, total: int, unit: str = "epoch") -> None:
        self._total, self._unit = total, unit
        self._start = self._last = time.monotonic()
        self._printed: tuple[int, str] | None = None

    def show(self, epoch: int, text: str) -> None:
        """Print a line if the last one is long ago."""
        now = time.monotonic()
        if now - self._last >= max(_SECONDS_BETWEEN_LINES, _SHARE_BETWEEN_LINES * (now - self._start)):
            self._last = now
            self.finish(epoch, text)

    def finish(self, epoch: int, text: str) -> None:
        """Print a line, unless it just was."""
        if self._printed == (epoch, text):
            return
        self._printed = epoch, text
        passed = _bar_class().format_interval(time.monotonic() - self._start)
        told = f", {text}" if text else ""
        sys.stdout.write(f"{self._unit} {epoch}/{self._total}, {passed}{told}\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Every line is whole already."""


def _bar_class() -> Any:
    """The bar of tqdm without the thread and the process-wide lock that it would start for its own sake."""
    from tqdm.std import tqdm

    class PlainBar(tqdm):
        monitor_interval = 0

    PlainBar.set_lock(threading.RLock())
    return PlainBar


def _redraws(stream: Any) -> bool:
    """Whether a line may be drawn over: in a terminal, and in a notebook, whose output claims to be no terminal."""
    if stream.isatty():
        return True
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return running is not None and hasattr(running, "kernel") and type(stream).__module__.startswith("ipykernel")
