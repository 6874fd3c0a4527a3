"""Run code in a fresh process, which has imported nothing yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


def run_python(code: str, *arguments: Any, cwd: Path | None = None) -> str:
    """Return what the code prints; its errors are raised here."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout
