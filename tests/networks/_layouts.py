"""Networks with embedded columns, and inputs for them."""

import numpy as np

from skmtl._records import InputLayout
from skmtl.networks import Periodic, PiecewiseLinear, StackedNetwork

from ._schemes import SCHEMES, spec_of

LINEAR = InputLayout(2, 2, 2, 2, 8, numeric_embedding=PiecewiseLinear(n_bins=4, dim=3))
COSINES = InputLayout(2, 2, 0, 2, 8, numeric_embedding=Periodic(n_frequencies=5, dim=3))
ONLY_CODES = InputLayout(codes=2, table_rows=8)
LAYOUTS = {"piecewise_linear": LINEAR, "periodic": COSINES, "codes alone": ONLY_CODES}


def network_of_layout(layout, members=1, scheme="shared_bottom", **changes):
    spec = spec_of(SCHEMES[scheme], inputs=layout, n_inputs=layout.n_columns, members=members, **changes)
    return StackedNetwork(spec)


def rows_of(layout, members=1, n=7):
    """Encoded inputs (members, rows, columns), some with missing categories."""
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(n, layout.embedded + layout.plain))
    positions = rng.uniform(0, 4, size=(n, layout.positions))
    codes = rng.integers(-1, layout.table_rows, size=(n, layout.codes))
    rows = np.concatenate([numbers, positions, codes], axis=1).astype(np.float32)
    return np.broadcast_to(rows, (members, *rows.shape)).copy()
