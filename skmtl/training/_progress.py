"""Progress output during training: nothing, one line that is redrawn, or one line per epoch."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from .._records import StopReason
from ._history import History

# In a log file, seconds between lines at first; later, the share of the elapsed time between lines.
_SECONDS_BETWEEN_LINES = 10.0
_SHARE_BETWEEN_LINES = 0.1
_SHOWN = ("loss", "val_loss")
_BAR = " {n_fmt}/{total_fmt} |{bar:20}| {elapsed}<{remaining}{postfix}"
_LAST = " {n_fmt}/{total_fmt}, {elapsed}{postfix}"


def progress_of(verbose: int, epochs: int, groups: Sequence[range]) -> Progress:
    """Return the progress output for ``verbose``; ``groups`` are the members that are trained together."""
    if verbose <= 0:
        return Progress()
    return ProgressLine(epochs, groups) if verbose == 1 else EpochLines(epochs, groups)


class Progress:
    """Prints nothing. Its methods are called from the threads of all groups.

    ``parts`` is the number of parts that a chunk of epochs is trained in, so that progress can be shown in between.
    """

    parts = 1

    def update(self, group: int, history: History, start: int, stop: int) -> None:
        """Report the epochs ``start`` to ``stop``, which the group's history got last."""

    def over(self, group: int) -> None:
        """Report that a group takes no more epochs."""

    def ended(self, stop: StopReason) -> None:
        """Report that all groups are done, and why."""

    def close(self) -> None:
        """Clean up the terminal, even after an error."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class EpochLines(Progress):
    """Prints one line per epoch and group."""

    def __init__(self, epochs: int, groups: Sequence[range]) -> None:
        self._epochs = epochs
        several = len(groups) > 1
        self._labels = [f"members {group.start + 1}-{group.stop}  " if several else "" for group in groups]

    def update(self, group: int, history: History, start: int, stop: int) -> None:
        """Print the epochs' lines."""
        for line in history.lines(start, stop, self._epochs):
            sys.stdout.write(f"{self._labels[group]}{line}\n")


class ProgressLine(Progress):
    """Shows one line for all groups: the epoch of the slowest, and losses averaged over all members."""

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
        """Stop waiting for the group."""
        with self._lock:
            self._over[group] = True

    def ended(self, stop: StopReason) -> None:
        """Show the last epoch, and why training stopped if it stopped early."""
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
        """Return the mean of a loss over the members of all groups that have it."""
        pairs = [(losses.get(name, math.nan), size) for losses, size in zip(self._losses, self._sizes, strict=True)]
        known = [(loss, size) for loss, size in pairs if not math.isnan(loss)]
        count = sum(size for _, size in known)
        return sum(loss * size for loss, size in known) / count if count else math.nan


class CountLine:
    """One line that counts finished items; any thread may add to it."""

    def __init__(self, total: int, unit: str) -> None:
        self._line: Bar | LogLines = Bar(total, unit) if _redraws(sys.stdout) else LogLines(total, unit)
        self._lock = threading.Lock()
        self._done = 0

    def add(self, count: int) -> None:
        """Count ``count`` more items."""
        with self._lock:
            self._done += count
            self._line.show(self._done, "")

    def close(self) -> None:
        """Show the final count, and end the line."""
        self._line.finish(self._done, "")
        self._line.close()


class Bar:
    """A line that tqdm redraws in place."""

    def __init__(self, total: int, unit: str = "epoch") -> None:
        self._unit = unit
        self._bar = _bar_class()(total=total, file=sys.stdout, dynamic_ncols=True, bar_format=unit + _BAR)

    def show(self, epoch: int, text: str) -> None:
        """Redraw the line, unless it was just drawn."""
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(epoch - self._bar.n)

    def finish(self, epoch: int, text: str) -> None:
        """Set what remains when the line is closed."""
        self._bar.bar_format = self._unit + _LAST
        self._bar.n = epoch
        self._bar.set_postfix_str(text, refresh=False)

    def close(self) -> None:
        """Draw the line a last time, and go to the next line."""
        self._bar.close()


class LogLines:
    """An occasional new line, for output that cannot be redrawn: a file, a pipe, the log of a batch job."""

    def __init__(self, total: int, unit: str = "epoch") -> None:
        self._total, self._unit = total, unit
        self._start = self._last = time.monotonic()
        self._printed: tuple[int, str] | None = None

    def show(self, epoch: int, text: str) -> None:
        """Print a line if enough time has passed since the last one."""
        now = time.monotonic()
        if now - self._last >= max(_SECONDS_BETWEEN_LINES, _SHARE_BETWEEN_LINES * (now - self._start)):
            self._last = now
            self.finish(epoch, text)

    def finish(self, epoch: int, text: str) -> None:
        """Print a line, unless it was just printed."""
        if self._printed == (epoch, text):
            return
        self._printed = epoch, text
        passed = _bar_class().format_interval(time.monotonic() - self._start)
        suffix = f", {text}" if text else ""
        sys.stdout.write(f"{self._unit} {epoch}/{self._total}, {passed}{suffix}\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Do nothing: every line is already complete."""


def _bar_class() -> Any:
    """Return tqdm's bar without the monitor thread and the process-wide lock that it would create."""
    from tqdm.std import tqdm

    class PlainBar(tqdm):
        monitor_interval = 0

    PlainBar.set_lock(threading.RLock())
    return PlainBar


def _redraws(stream: Any) -> bool:
    """Whether a line can be redrawn: in a terminal, or in a notebook, although its output is not a terminal."""
    if stream.isatty():
        return True
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return running is not None and hasattr(running, "kernel") and type(stream).__module__.startswith("ipykernel")
