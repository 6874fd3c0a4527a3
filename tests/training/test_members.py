"""Members train as if each were alone, and only their own observed labels affect them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from skmtl._records import StopReason, TrainingResult
from skmtl.training._rows import RowPlan

from ._engine import Engine, Rows, scheme_spec, some_rows

MEMBERS = 3
TOLERANCE = {"rtol": 2e-4, "atol": 2e-6}


def uneven_plan(n: int = 30, held: tuple[int, ...] = (5, 5, 5), seed: int = 0) -> RowPlan:
    """Every member has its own order of rows, and holds out other rows."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(n) for _ in held]
    return RowPlan(
        tuple(order[h:] for order, h in zip(orders, held, strict=True)),
        tuple(np.sort(order[:h]) for order, h in zip(orders, held, strict=True)),
    )


def alone(engine: Engine, plan: RowPlan, member: int, rows: Rows, **numbers: Any) -> TrainingResult:
    """The same member trained by itself."""
    each = len(engine.frozen) // engine.members
    single = replace(
        engine,
        parameters=engine.parameters[[member]],
        frozen=engine.frozen[member * each : (member + 1) * each] if engine.separate else engine.frozen,
    )
    return single.run(rows, plan=RowPlan((plan.train[member],), (plan.evaluate[member],)), **numbers)


def assert_each_as_if_alone(engine: Engine, plan: RowPlan, rows: Rows, **numbers: Any) -> TrainingResult:
    together = engine.run(rows, plan=plan, **numbers)
    for member in range(engine.members):
        one = alone(engine, plan, member, rows, **numbers)
        np.testing.assert_allclose(together.parameters[member], one.parameters[0], **TOLERANCE)
        assert together.best_epochs[member] == one.best_epochs[0]
        for name, series in one.member_history.items():
            np.testing.assert_allclose(together.member_history[name][: len(series), member], series[:, 0], rtol=1e-3)
    assert np.abs(np.diff(together.parameters, axis=0)).max() > 0.01
    return together


@pytest.mark.parametrize("clipping", [{"global_clipnorm": 0.1}, {"clipnorm": 0.03}], ids=lambda c: next(iter(c)))
def test_members_train_as_if_alone_with_clipping_and_weight_decay(clipping: dict[str, float]) -> None:
    spec = scheme_spec("classification", members=MEMBERS)
    engine = Engine.of_scheme("classification", spec, routed={"learning_rate": 0.02, **clipping})
    assert_each_as_if_alone(engine, uneven_plan(), some_rows("classification"), epochs=4, weight_decay=0.3)


def test_groups_of_members_train_as_if_alone_and_each_stops_at_its_best_epoch() -> None:
    # In float64, because rounding differences of float32 grow into the fourth digit over some forty epochs.
    rows, plan = some_rows("regression", 40), uneven_plan(40, (8,) * 6, seed=2)
    spec = scheme_spec("regression", members=6, dtype="float64")
    engine = Engine.of_scheme("regression", spec, routed={"learning_rate": 0.1})
    stopping = {"early_stopping": True, "patience": 4, "tol": 0.0}
    result = assert_each_as_if_alone(engine, plan, rows, epochs=60, **stopping)
    assert result.stop is StopReason.NO_IMPROVEMENT
    assert len(set(result.best_epochs.tolist())) > 1
    for member, best in enumerate(result.best_epochs):
        losses = result.member_history["val_loss"][:, member]
        assert losses[best - 1] == np.nanmin(losses[: best + 4])
        until_then = alone(engine, plan, member, rows, epochs=int(best))
        np.testing.assert_allclose(result.parameters[member], until_then.parameters[0], **TOLERANCE)


def test_stopped_by_others_members_keep_the_best_epoch_on_the_others_rows() -> None:
    rows, plan = some_rows("regression", 40), uneven_plan(40, (8,) * 4, seed=2)
    engine = Engine.of_scheme("regression", scheme_spec("regression", members=4), routed={"learning_rate": 0.1})
    settings = {"plan": plan, "epochs": 60, "early_stopping": True}
    result = engine.run(rows, **settings, stopped_by_others=True)
    losses = result.member_history["val_loss"]
    others = (losses.sum(axis=1, keepdims=True) - losses) / 3
    np.testing.assert_array_equal(result.best_epochs, 1 + others.argmin(axis=0))
    own = engine.run(rows, **settings)
    np.testing.assert_array_equal(own.best_epochs, 1 + own.member_history["val_loss"].argmin(axis=0))
    assert (own.best_epochs != result.best_epochs).any()


def first_that_stays_best(losses: np.ndarray, patience: int) -> int:
    """Return the best epoch, counted from 1, that is followed by ``patience`` epochs without improvement."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best + 1


def test_every_criterion_keeps_the_weights_of_the_best_epoch_for_its_tasks() -> None:
    rows, plan = some_rows("regression", 40), uneven_plan(40, (8,) * 6, seed=2)
    engine = Engine.of_scheme("regression", scheme_spec("regression", members=6), routed={"learning_rate": 0.1})
    settings = {"plan": plan, "early_stopping": True, "patience": 4, "tol": 0.0}
    criteria = np.array([[1, 1], [0, 1]], dtype=bool)
    both = engine.run(rows, **settings, epochs=60, criteria=criteria)
    for name, criterion, kept in zip(("val_loss", "val_y1_loss"), criteria, (both, both.other_bests[0]), strict=True):
        alone = engine.run(rows, **settings, epochs=60, criteria=criterion[None])
        np.testing.assert_array_equal(kept.parameters, alone.parameters)
        losses = alone.member_history[name]
        expected = [first_that_stays_best(losses[:, member], patience=4) for member in range(6)]
        np.testing.assert_array_equal(alone.best_epochs, expected)
    plain = engine.run(rows, **settings, epochs=60)
    np.testing.assert_array_equal(both.parameters, plain.parameters)
    np.testing.assert_array_equal(both.best_epochs, plain.best_epochs)
    assert (both.other_bests[0].parameters != both.parameters).any()


def test_a_member_without_labels_of_a_criterions_tasks_uses_all_its_labels() -> None:
    rows = some_rows("regression", 40)
    plan = uneven_plan(40, (8, 8), seed=2)
    rows.weights[plan.evaluate[0], 1] = 0
    engine = Engine.of_scheme("regression", scheme_spec("regression", members=2), routed={"learning_rate": 0.1})
    settings = {"plan": plan, "epochs": 30, "early_stopping": True}
    second = engine.run(rows, **settings, criteria=np.array([[0, 1]], dtype=bool))
    every = engine.run(rows, **settings)
    assert second.best_epochs[0] == every.best_epochs[0] == 1 + every.member_history["val_y0_loss"][:, 0].argmin()
    assert second.best_epochs[1] == 1 + every.member_history["val_y1_loss"][:, 1].argmin()


def test_stopped_by_others_uses_own_rows_if_no_other_member_holds_out_any() -> None:
    rows = some_rows("regression", 40)
    for held in ((8,), (8, 0)):
        plan = uneven_plan(40, held, seed=2)
        spec = scheme_spec("regression", members=len(held))
        engine = Engine.of_scheme("regression", spec, routed={"learning_rate": 0.1})
        settings = {"plan": plan, "epochs": 30, "early_stopping": True}
        one, other = (engine.run(rows, **settings, stopped_by_others=by_others) for by_others in (True, False))
        np.testing.assert_array_equal(one.parameters, other.parameters)


def test_a_member_with_fewer_batches_takes_fewer_steps() -> None:
    # 24, 17 and 16 rows to train on: three, three and two batches of eight.
    plan = uneven_plan(30, (6, 13, 14))
    engine = Engine.of_scheme(
        "regression", scheme_spec("regression", members=3), optimizer=keras.optimizers.SGD(0.05, momentum=0.9)
    )
    assert_each_as_if_alone(engine, plan, some_rows("regression"), epochs=4, weight_decay=0.3)


@pytest.mark.parametrize("held", [(6, 6), (6, 14)])
def test_a_callers_models_train_as_if_alone_with_their_own_averages_and_random_states(held: Any) -> None:
    def build(seed: int) -> keras.Model:
        inputs = keras.Input((4,))
        init = [keras.initializers.GlorotUniform(seed=10 * seed + i) for i in range(3)]
        hidden = keras.layers.Dense(5, "relu", use_bias=False, kernel_initializer=init[0])(inputs)
        hidden = keras.layers.Dropout(0.3, seed=seed)(keras.layers.BatchNormalization(momentum=0.7)(hidden))
        return keras.Model(inputs, [keras.layers.Dense(1, kernel_initializer=k)(hidden) for k in init[1:]])

    models = [build(1), build(2)]
    engine = Engine.of_models(models, "regression", optimizer=keras.optimizers.Lamb(0.03), key="averages")
    plan, rows, settings = uneven_plan(30, held), some_rows("regression"), {"epochs": 5, "early_stopping": True}
    together = assert_each_as_if_alone(engine, plan, rows, **settings)
    each = len(together.frozen) // 2
    for member in range(2):
        one = alone(engine, plan, member, rows, **settings)
        for ours, theirs in zip(together.frozen[member * each : (member + 1) * each], one.frozen, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_members_drop_different_units_even_with_equal_initial_weights() -> None:
    spec = scheme_spec("regression", members=2, dropout=True)
    engine = Engine.of_scheme("regression", spec, dropout=0.5)
    engine.parameters = np.repeat(engine.parameters[:1], 2, axis=0)
    first, second = engine.run(some_rows("regression"), epochs=1).parameters
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("filler", [np.nan, 1e30])
def test_rows_that_pad_the_arrays_never_matter(filler: float) -> None:
    rows, plan = some_rows("classification"), uneven_plan(30, (6,))
    engine = Engine.of_scheme("classification", routed={"learning_rate": 0.02})
    settings = {"plan": plan, "early_stopping": True, "shuffle": True, "epochs": 3}
    plain = engine.run(rows, **settings)
    padded = engine.run(rows.padded(48, filler), **settings)
    np.testing.assert_array_equal(plain.parameters, padded.parameters)
    assert plain.history == padded.history


def gaps(rows: Rows, share: float = 0.4) -> Rows:
    """Return the rows with part of the labels missing, and weights of one half to two on the others."""
    rng = np.random.default_rng(5)
    weights = rng.uniform(0.5, 2.0, rows.weights.shape) * (rng.random(rows.weights.shape) > share)
    return replace(rows, weights=weights.astype(np.float32))


@pytest.mark.parametrize(
    ("kind", "filler"),
    [
        ("regression", 7.0),
        ("regression", 1e30),
        ("classification", 7.0),
        ("classification", np.nan),
        ("regression", np.nan),
        ("regression", np.inf),
    ],
)
def test_values_of_missing_labels_never_matter(kind: Any, filler: float) -> None:
    rows = gaps(some_rows(kind))
    filled = replace(rows, labels=np.where(rows.weights > 0, rows.labels, filler).astype(np.float32))
    engine = Engine.of_scheme(kind, routed={"learning_rate": 0.02})
    settings = {"plan": uneven_plan(30, (6,)), "early_stopping": True, "epochs": 3}
    plain, other = engine.run(rows, **settings), engine.run(filled, **settings)
    np.testing.assert_array_equal(plain.parameters, other.parameters)
    assert plain.history == other.history


def squared_errors(engine: Engine, rows: Rows) -> np.ndarray:
    """Compute squared errors before training, with the network written out in numpy."""
    flat = engine.parameters[0].astype(np.float64)
    kernel, bias, heads, head_bias = np.split(flat, [20, 25, 35])
    hidden = np.tanh(rows.X @ kernel.reshape(4, 5) + bias)
    return (hidden @ heads.reshape(5, 2) + head_bias - rows.labels) ** 2


def test_losses_are_weighted_means_over_observed_labels_in_units_of_the_constant_losses() -> None:
    rows, plan = gaps(some_rows("regression")), uneven_plan(30, (6,))
    engine = Engine.of_scheme("regression", routed={"learning_rate": 1e-30})
    units = np.array([3.0, 0.5])
    result = engine.run(rows, plan=plan, units=units, batch_size=30, epochs=1, task_weights=np.array([0.3, 0.7]))
    errors = squared_errors(engine, rows)
    for held, prefix in ((plan.train[0], ""), (plan.evaluate[0], "val_")):
        weights = rows.weights[held]
        means = units * (errors[held] * weights).sum(axis=0) / weights.sum(axis=0)
        for task in range(2):
            assert result.history[f"{prefix}y{task}_loss"][0] == pytest.approx(means[task], rel=1e-4)
        assert result.history[f"{prefix}loss"][0] == pytest.approx(means @ [0.3, 0.7], rel=1e-4)


def test_a_single_label_weighs_the_same_in_a_batch_as_in_all_rows() -> None:
    # Six batches, and the second task has one label: its gradient is a sixth of the sum over batches.
    rows = some_rows("regression", 24)
    weights = np.ones_like(rows.weights)
    weights[1:, 1] = 0
    rows = replace(rows, weights=weights)
    engine = Engine.of_scheme("regression", optimizer=keras.optimizers.SGD(1e-4))
    small, whole = (engine.run(rows, batch_size=size, epochs=1).parameters - engine.parameters for size in (4, 24))
    np.testing.assert_allclose(small, 6 * whole, rtol=0.01, atol=2e-6)
    losses = engine.run(rows, batch_size=4, epochs=1).history["y1_loss"]
    assert losses[0] == pytest.approx(squared_errors(engine, rows)[0, 1], rel=1e-3)


def test_a_task_without_held_out_labels_has_no_validation_loss_and_is_ignored() -> None:
    rows, plan = some_rows("regression"), uneven_plan(30, (6,))
    weights = rows.weights.copy()
    weights[plan.evaluate[0], 1] = 0
    engine = Engine.of_scheme("regression", routed={"learning_rate": 0.02})
    result = engine.run(replace(rows, weights=weights), plan=plan, early_stopping=True)
    assert np.isnan(result.history["val_y1_loss"]).all()
    np.testing.assert_allclose(result.history["val_loss"], result.history["val_y0_loss"])
