"""Folds are disjoint and cover all rows."""

import numpy as np

from skmtl.blending._folds import folds_of


def test_members_folds_and_the_rest_cover_each_row_once():
    held = [np.array([0, 1, 2]), np.array([2, 3]), np.array([], dtype=int)]
    folds = folds_of(held, 6)
    assert [part.tolist() for part in folds] == [[0, 1, 2], [3], [4, 5]]
