"""Scoring and splitting need no deep-learning library."""

import subprocess
import sys


def test_metrics_and_splitters_import_neither_tensorflow_nor_keras():
    code = (
        "import sys, skmtl.metrics, skmtl.model_selection; "
        "sys.exit(sum(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
