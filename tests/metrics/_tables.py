"""Random tables of several tasks with missing labels, for property tests."""

import numpy as np
from hypothesis import strategies as st

CLASS_SETS = ([0, 1], [0, 1, 2], ["no", "yes"], ["a", "b", "c", "d"], [False, True], [3, 7, 11])


@st.composite
def masks(draw, n_rows, n_tasks, least=2):
    """Draw masks of known labels, with at least ``least`` in every task."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    known = rng.random((n_rows, n_tasks)) < draw(st.sampled_from([0.4, 0.8, 1.0]))
    for task in range(n_tasks):
        known[rng.choice(n_rows, size=least, replace=False), task] = True
    return known


@st.composite
def weights(draw, n_rows, n_tasks):
    """Draw None, weights of rows, or weights of single labels."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.sampled_from([None, (n_rows,), (n_rows, n_tasks)]))
    return None if shape is None else rng.uniform(0.1, 3.0, shape)


@st.composite
def regression_tables(draw):
    """Draw quantities with missing labels, predictions, weights, and the mask of known labels."""
    n_rows, n_tasks = draw(st.integers(3, 30)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = rng.normal(size=(n_rows, n_tasks)) * 10.0 ** draw(st.integers(-3, 3))
    prediction = truth + rng.normal(size=truth.shape)
    known = draw(masks(n_rows, n_tasks))
    return np.where(known, truth, np.nan), prediction, draw(weights(n_rows, n_tasks)), known


@st.composite
def classification_tables(draw):
    """Draw labels with gaps (object array), label predictions, probabilities, classes, weights, mask.

    Every class of a task is among its known labels.
    """
    n_rows, n_tasks = draw(st.integers(12, 40)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    known = draw(masks(n_rows, n_tasks, least=8))
    truth, prediction = np.full((n_rows, n_tasks), None, object), np.full((n_rows, n_tasks), None, object)
    probabilities, classes = [], []
    for task in range(n_tasks):
        labels = draw(st.sampled_from(CLASS_SETS))
        rows = np.flatnonzero(known[:, task])
        codes = rng.integers(0, len(labels), n_rows)
        codes[rows[: len(labels)]] = np.arange(len(labels))
        guess = rng.dirichlet(np.ones(len(labels)) * 0.7, n_rows)
        for row in range(n_rows):
            prediction[row, task] = labels[int(guess[row].argmax())]
        for row in rows:
            truth[row, task] = labels[codes[row]]
        probabilities.append(guess)
        classes.append(np.array(labels))
    return truth, prediction, probabilities, classes, draw(weights(n_rows, n_tasks)), known


def weights_of(sample_weight, rows, task):
    """Return the weights of a task in ``rows``, from either shape."""
    if sample_weight is None:
        return None
    return sample_weight[rows] if sample_weight.ndim == 1 else sample_weight[rows, task]
