"""A worker process on its way to becoming one of several that train together."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training._workers import Workers

_THREADS = 8
# A worker whose window of steps takes so many seconds gives up: it is started again, from the last epoch's end.
_PATIENCE = 1800.0


def replica(addresses: Sequence[str], rank: int, cpus: int | None = None) -> Workers:
    """Make the process worker number ``rank`` of those at ``addresses``, on so many processors.

    TensorFlow wants that to be the first thing that happens to it in a process.
    """
    os.environ["TF_CONFIG"] = json.dumps(
        {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": rank}}
    )
    import tensorflow as tf

    # What other workers ask for is answered on these threads too, while a step waits.
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS)
    if cpus is not None:
        tf.config.threading.set_intra_op_parallelism_threads(cpus)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    from ..training._workers import Replicas

    return Replicas(strategy, rank, _PATIENCE)
