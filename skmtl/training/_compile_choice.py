"""Whether a fit is worth compiling with XLA, from its size alone.

The choice depends on nothing but the fit's own arguments: the two ways of executing round differently,
and the same call must give the same bits whatever ran before it.
"""

from __future__ import annotations

# Measured on two cores (benchmarks/README.md): XLA saves some 50 microseconds a step on a small network
# and compiles for some 0.3 s; on large matrices both spend their time in the same matrix products.
_FEWEST_STEPS = 1000
_MOST_FLOPS = 4e7


def worth_compiling(steps: int, flops: float, members: int) -> bool:
    """True where compiling pays: many steps, none of them dominated by large matrix products."""
    return steps * (1 + members) / 2 >= _FEWEST_STEPS and (flops <= _MOST_FLOPS or members > 1)
