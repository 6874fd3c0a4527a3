"""Progress output during training."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest

from skmtl._records import StopReason
from skmtl.training import _progress
from skmtl.training._progress import progress_of


class Terminal(io.StringIO):
    """A stream on which lines can be redrawn."""

    def isatty(self) -> bool:
        return True

    def drawn(self) -> list[str]:
        """Return every state of the line."""
        return [state.rstrip() for state in self.getvalue().replace("\n", "").split("\r") if state.strip()]


class Losses:
    """Stands in for the history of a group of members."""

    def __init__(self, **losses: float) -> None:
        self.losses = losses

    def last_logs(self) -> dict[str, float]:
        return self.losses


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The elapsed seconds, for the test to set."""
    now = [0.0]
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now[0])
    return now


def update(progress: Any, group: int, epoch: int, **losses: float) -> None:
    progress.update(group, Losses(**losses), epoch - 1, epoch)


def test_in_a_terminal_one_line_is_redrawn() -> None:
    with redirect_stdout(Terminal()) as terminal, progress_of(1, 4, [range(1)]) as progress:
        for epoch in range(1, 5):
            update(progress, 0, epoch, loss=1 / epoch, val_loss=2 / epoch, size_loss=9.0)
        progress.over(0)
        progress.ended(StopReason.EPOCHS_USED)
    assert terminal.getvalue().count("\n") == 1
    assert terminal.drawn()[0].startswith("epoch 0/4 |")
    assert terminal.drawn()[-1] == "epoch 4/4, 00:00, loss 0.2500, val_loss 0.5000"


def test_the_line_says_why_training_ended_early() -> None:
    with redirect_stdout(Terminal()) as terminal, progress_of(1, 50, [range(1)]) as progress:
        update(progress, 0, 7, loss=0.5)
        progress.ended(StopReason.NO_IMPROVEMENT)
    assert terminal.drawn()[-1] == "epoch 7/50, 00:00, loss 0.5000, the validation loss stopped improving"


def test_after_an_error_the_terminal_is_on_a_new_line() -> None:
    with (
        redirect_stdout(Terminal()) as terminal,
        pytest.raises(ValueError, match="diverged"),
        progress_of(1, 50, [range(1)]),
    ):
        raise ValueError("diverged")
    assert terminal.getvalue().endswith("\n")


def test_groups_share_the_line_at_the_pace_of_the_slowest(capsys: Any, clock: list[float]) -> None:
    with progress_of(1, 9, [range(4), range(4, 6)]) as progress:
        update(progress, 0, 5, loss=0.3, val_loss=np.nan)
        clock[0] = 10
        update(progress, 1, 2, loss=0.6, val_loss=0.9)
        assert capsys.readouterr().out == "epoch 2/9, 00:10, loss 0.4000, val_loss 0.9000\n"
        # The slower one stops, and the line no longer waits for it.
        progress.over(1)
        clock[0] = 20
        update(progress, 0, 6, loss=0.3, val_loss=np.nan)
        assert capsys.readouterr().out.startswith("epoch 6/9, 00:20")


def test_a_log_gets_an_occasional_line_and_the_last_epoch(capsys: Any, clock: list[float]) -> None:
    times = []
    with progress_of(1, 4000, [range(1)]) as progress:
        for second in range(1, 4001):
            clock[0] = second
            update(progress, 0, second, loss=0.1)
            if capsys.readouterr().out:
                times.append(second)
        assert times[-1] < 4000
        progress.ended(StopReason.EPOCHS_USED)
    assert times[:12] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 112, 125]
    assert len(times) < 60
    assert capsys.readouterr().out == "epoch 4000/4000, 1:06:40, loss 0.1000\n"


def test_a_last_epoch_that_was_just_printed_is_not_printed_again(capsys: Any, clock: list[float]) -> None:
    with progress_of(1, 2, [range(1)]) as progress:
        clock[0] = 60
        update(progress, 0, 2, loss=0.1)
        progress.ended(StopReason.EPOCHS_USED)
    assert capsys.readouterr().out == "epoch 2/2, 01:00, loss 0.1000\n"


def test_in_a_notebook_the_line_is_redrawn_although_it_is_not_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shell:
        kernel = object()

    class Cell(io.StringIO):
        __module__ = "ipykernel.iostream"

    class IPython:
        @staticmethod
        def get_ipython() -> Shell:
            return Shell()

    assert not _progress._redraws(Cell())
    monkeypatch.setitem(_progress.sys.modules, "IPython", IPython)
    assert _progress._redraws(Cell())
    # Redirected to a file from within a notebook.
    assert not _progress._redraws(io.StringIO())


def test_no_thread_is_started_for_the_line() -> None:
    from tqdm.std import tqdm

    with redirect_stdout(Terminal()), progress_of(1, 4, [range(1)]):
        assert tqdm.monitor is None
