"""Plotting helpers of the displays."""

import pytest

from skmtl.inspection._plotting import columns_of


@pytest.mark.parametrize("count", range(1, 40))
def test_a_grid_of_panels_is_nearly_square_with_few_empty_places(count):
    columns = columns_of(count)
    rows = -(-count // columns)
    assert rows * columns >= count
    assert count <= 3 or columns - 3 <= rows <= columns
    assert (columns_of(3), columns_of(17), columns_of(25)) == (3, 6, 5)
