"""The history of a fit: its series, their lengths and averages, and errors for diverged training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from skmtl.exceptions import TrainingDivergedError
from skmtl.training._history import History

RNG = np.random.default_rng(0)
WEIGHTS = np.array([0.25, 0.75])
EVALUATED = np.array([[True, True], [True, False], [False, False]])


def report(epochs: int, room: int | None = None) -> SimpleNamespace:
    """Losses of three members and two tasks; unused entries hold values that must not be read."""
    room = room or epochs
    losses = [RNG.uniform(0.1, 1.0, (room, 3, 2)) for _ in range(2)]
    for values in losses:
        values[epochs:] = 1e9
    penalty = RNG.uniform(0, 1, (room, 3))
    return SimpleNamespace(train=losses[0], evaluation=losses[1], penalty=penalty, balancing={})


def filled(evaluated: np.ndarray | None = EVALUATED) -> tuple[History, SimpleNamespace, SimpleNamespace]:
    history, first, second = History(["a", "b"], WEIGHTS), report(4), report(2, room=5)
    history.extend(first, 4, evaluated, "state 4")
    history.extend(second, 2, evaluated, "state 6")
    return history, first, second


def test_every_series_has_an_entry_for_every_epoch_and_member() -> None:
    history, first, second = filled()
    series = history.members()
    assert list(series) == ["loss", "a_loss", "b_loss", "val_loss", "val_a_loss", "val_b_loss"]
    assert {values.shape for values in series.values()} == {(6, 3)}
    train = np.concatenate([first.train, second.train[:2]])
    penalty = np.concatenate([first.penalty, second.penalty[:2]])
    np.testing.assert_allclose(series["loss"], train @ WEIGHTS + penalty)
    np.testing.assert_allclose(series["b_loss"], train[:, :, 1])
    assert history.last_state == "state 6"


def test_validation_losses_are_weighted_means_over_the_tasks_with_held_out_labels() -> None:
    history, first, _ = filled()
    series = history.members()
    np.testing.assert_allclose(series["val_loss"][:4, 0], first.evaluation[:, 0] @ WEIGHTS)
    np.testing.assert_allclose(series["val_loss"][:4, 1], first.evaluation[:, 1, 0])
    assert np.isnan(series["val_loss"][:, 2]).all()
    assert np.isnan(series["val_b_loss"][:, 1:]).all()
    np.testing.assert_allclose(history.last_logs()["val_a_loss"], series["val_a_loss"][-1, :2].mean())


def test_a_validation_loss_of_nan_stays_nan() -> None:
    history, broken = History(["a", "b"], WEIGHTS), report(1)
    broken.evaluation[0, 0, 0] = np.nan
    history.extend(broken, 1, EVALUATED, None)
    assert np.isnan(history.members()["val_loss"][0, 0])
    assert not np.isnan(history.members()["val_loss"][0, 1])


def test_without_held_out_rows_there_are_no_validation_losses() -> None:
    history, _, _ = filled(None)
    assert list(history.last_logs()) == ["loss", "a_loss", "b_loss"]
    assert history.lines(4, 6, 10) == [
        f"epoch {epoch}/10  loss {loss:.4f}"
        for epoch, loss in zip((5, 6), history.members()["loss"][4:].mean(axis=1), strict=True)
    ]


def test_the_last_logs_are_the_last_entries_of_the_averages() -> None:
    history, _, _ = filled()
    for name, value in history.last_logs().items():
        assert value == pytest.approx(np.nanmean(history.members()[name][-1]))
    assert "val_loss" in history.lines(4, 6, 6)[1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_divergence_is_reported_with_epoch_task_and_remedies(value: float) -> None:
    history, _, _ = filled()
    history.check_finite()
    broken = report(3)
    broken.train[1, 2, 1] = value
    history.extend(broken, 3, EVALUATED, None)
    with pytest.raises(TrainingDivergedError, match=r"epoch 8: the loss of task 'b'.*learning_rate.*clipnorm"):
        history.check_finite()


def test_weights_that_diverge_in_the_last_step_are_reported() -> None:
    history, _, _ = filled()
    history.check_finite(np.ones((3, 4)))
    with pytest.raises(TrainingDivergedError, match=r"epoch 6: the network's weights are not finite.*learning_rate"):
        history.check_finite(np.array([[1.0, np.nan]]))
