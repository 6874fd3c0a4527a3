"""Turn this process into one of several workers that train together."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training._workers import Workers

_THREADS = 8
# A worker ends itself if a window of steps takes more seconds than this; it is restarted from the last checkpoint.
_PATIENCE = 1800.0


def replica(addresses: Sequence[str], rank: int, cpus: int | None = None) -> Workers:
    """Make this process worker number ``rank`` of those at ``addresses``, with ``cpus`` threads per operation.

    Must run before anything else uses TensorFlow in the process.
    """
    os.environ["TF_CONFIG"] = json.dumps(
        {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": rank}}
    )
    import tensorflow as tf

    # These threads also answer the other workers while a step waits.
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS)
    if cpus is not None:
        tf.config.threading.set_intra_op_parallelism_threads(cpus)
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    from ..training._workers import Replicas

    return Replicas(strategy, rank, _PATIENCE)
