"""Response times of examples/serve.py: start to first answer, then single rows for one client and for eight.

    python benchmarks/serving.py

Needs fastapi, uvicorn and httpx, and a machine that runs nothing else: clients and service share it. Writes
results/serving.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import httpx
import numpy as np
from _harness import machine
from _report import markdown, versions, write_page

import skmtl
from skmtl.datasets import make_related_tasks

ROOT = Path(__file__).resolve().parents[1]
REQUESTS, CLIENTS, STARTS = 200, 8, 3


def start(model: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the service in a new process and return it with its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "examples" / "serve.py"), str(model), "--port", str(port)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}), f"http://127.0.0.1:{port}"


def first_answer(url: str, row: dict[str, float]) -> None:
    """Send requests until the service answers."""
    while True:
        try:
            httpx.post(f"{url}/predict", json={"rows": [row]}).raise_for_status()
            return
        except httpx.ConnectError:
            time.sleep(0.005)


def times(url: str, rows: list[dict[str, float]]) -> list[float]:
    """Time one request per row, one after the other, in milliseconds."""
    found = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for row in rows:
            begin = time.perf_counter()
            client.post("/predict", json={"rows": [row]}).raise_for_status()
            found.append(1000 * (time.perf_counter() - begin))
    return found


def by_several_clients(url: str, rows: list[dict[str, float]]) -> list[float]:
    """Time the same requests by several clients at once."""
    found: list[list[float]] = [[] for _ in range(CLIENTS)]

    def ask(number: int) -> None:
        found[number] = times(url, rows)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for part in found for one in part]


def measure(model: Any, X: np.ndarray) -> dict[str, list[float]]:
    """Time starts, and single rows for one client and for eight, in milliseconds."""
    rows = [{f"x{i}": float(value) for i, value in enumerate(row)} for row in X]
    found: dict[str, list[float]] = {"starts": [], "one client": [], "eight clients": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skmtl"
        skmtl.save(model, path)
        for number in range(STARTS):
            begin = time.perf_counter()
            process, url = start(path)
            try:
                first_answer(url, rows[0])
                found["starts"].append(1000 * (time.perf_counter() - begin))
                if number == STARTS - 1:
                    times(url, rows[:20])
                    found["one client"] = times(url, rows[:REQUESTS])
                    found["eight clients"] = by_several_clients(url, rows[: REQUESTS // CLIENTS])
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()
    return found


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    X, y = make_related_tasks(1000, 30, 5, random_state=0)
    model = skmtl.MultiTaskKerasRegressor(random_state=0).fit(X, y)
    found = measure(model, X)
    rows = [["process start to first answer", f"{statistics.median(found['starts']):.0f} ms", ""]]
    rows += [
        [name, f"{np.median(found[name]):.2f} ms", f"{np.quantile(found[name], 0.99):.2f} ms"]
        for name in ("one client", "eight clients")
    ]
    page = write_page(
        "serving",
        "# Serving single rows over HTTP",
        versions({**machine(), "httpx": httpx.__version__}),
        "`python benchmarks/serving.py`: `examples/serve.py` answers with predictions and intervals of a default fit "
        "on 1,000 rows x 30 columns with 5 tasks, over the loopback interface. Clients share the machine. One client "
        "sends 200 requests, eight clients send 25 each. The target for one client is a median below 5 ms.",
        markdown(["case", "median", "p99"], rows),
    )
    print(page)


if __name__ == "__main__":
    main()
