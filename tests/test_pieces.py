"""Processing rows in pieces on threads."""

import threading

import numpy as np
import pytest

from skmtl import _pieces
from skmtl._pieces import in_pieces


@pytest.mark.parametrize("processors", [1, 3])
def test_pieces_cover_the_rows_in_order(processors, monkeypatch):
    monkeypatch.setattr(_pieces.os, "cpu_count", lambda: processors)
    rows, threads = np.arange(10), set()

    def piece(part):
        threads.add(threading.get_ident())
        return rows[part]

    found = in_pieces(piece, 10, 4)
    assert [len(part) for part in found] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(found), rows)
    assert (threading.get_ident() in threads) == (processors == 1)


def test_no_rows_give_one_empty_piece():
    assert in_pieces(lambda part: np.empty(5)[part], 0, 4)[0].shape == (0,)
