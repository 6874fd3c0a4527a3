"""What the displays share."""

import pytest

from skmtl.inspection._plotting import columns_of


@pytest.mark.parametrize("count", range(1, 40))
def test_a_grid_of_panels_is_near_a_square_with_few_places_empty(count):
    columns = columns_of(count)
    rows = -(-count // columns)
    assert rows * columns >= count
    assert count <= 3 or columns - 3 <= rows <= columns
    assert (columns_of(3), columns_of(17), columns_of(25)) == (3, 6, 5)
