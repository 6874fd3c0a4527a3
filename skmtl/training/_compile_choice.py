"""The choice whether to compile a fit with XLA, from its size alone.

It depends only on the arguments of the fit: results are rounded differently with and without XLA, and the same call
must return the same bits whatever ran before.
"""

from __future__ import annotations

# Measured on two cores (benchmarks/README.md): XLA saves some 50 microseconds per step of a small network and takes
# some 0.3 s to compile; with large matrices, both spend their time in the same matrix products.
_FEWEST_STEPS = 1000
_MOST_FLOPS = 4e7


def worth_compiling(steps: int, flops: float, members: int) -> bool:
    """Whether compiling pays off: with many steps that are not dominated by large matrix products."""
    return steps * (1 + members) / 2 >= _FEWEST_STEPS and (flops <= _MOST_FLOPS or members > 1)
