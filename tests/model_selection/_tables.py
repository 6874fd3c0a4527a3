"""Tables of labels to split, and checks of the splits."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from .._data import data_path


@st.composite
def label_tables(draw, max_rows=60):
    """Draw class codes of one to five tasks, with up to 85 % of the labels missing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(6, max_rows)), draw(st.integers(1, 5))
    y = rng.integers(0, draw(st.integers(1, 4)), shape).astype(float)
    y[rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.6, 0.85]))] = np.nan
    return y


def fold_of_rows(cv, y, groups=None):
    """Return the fold of every row, after checking that it is in one test part and in all other training parts."""
    n_rows = len(y)
    folds = np.full(n_rows, -1)
    for fold, (train, test) in enumerate(cv.split(np.zeros((n_rows, 1)), y, groups)):
        assert (folds[test] == -1).all()
        folds[test] = fold
        assert np.array_equal(train, np.setdiff1d(np.arange(n_rows), test))
    assert fold + 1 == cv.get_n_splits()
    assert (folds >= 0).all()
    return folds


def label_counts(y, folds, n_folds):
    """Count rows of every class and of all known labels of each task per fold: (n_labels, n_folds)."""
    y = pd.DataFrame(y)
    rows = []
    for name in y.columns:
        known = y[name].notna().to_numpy()
        marks = [known] + [(y[name] == value).to_numpy() for value in y[name].dropna().unique()]
        rows += [np.bincount(folds[mark], minlength=n_folds) for mark in marks]
    return np.array(rows)


def unevenness(counts):
    """Return the squared distance from equal shares, relative to the share, summed over labels and folds."""
    share = counts.mean(axis=1, keepdims=True)
    return float(((counts - share) ** 2 / np.maximum(share, 1e-9)).sum())


def tox21():
    """Return labels of twelve assays with gaps, and the scaffold of every molecule."""
    with np.load(data_path("tox21.npz")) as data:
        return data["Y"], data["scaffold_group"]


def bridges():
    """Return five design decisions with gaps, as strings of two to seven classes."""
    return pd.read_csv(data_path("bridges.csv.gz")).filter(like="target:")
