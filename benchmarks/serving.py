"""examples/serve.py under load: from process start to the first answer, then single rows, one and eight clients.

    python benchmarks/serving.py

Writes results/serving.md. Needs fastapi, uvicorn and httpx, and a machine that does nothing else: clients and service
share it.
"""

from __future__ import annotations

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
from _harness import RESULTS, machine

import skmtl
from skmtl.datasets import make_related_tasks

ROOT = Path(__file__).resolve().parents[1]
REQUESTS, CLIENTS, STARTS = 200, 8, 3


def start(model: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The service in a process of its own, and where it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "examples" / "serve.py"), str(model), "--port", str(port)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}), f"http://127.0.0.1:{port}"


def first_answer(url: str, row: dict[str, float]) -> None:
    """Ask until there is an answer."""
    while True:
        try:
            httpx.post(f"{url}/predict", json={"rows": [row]}).raise_for_status()
            return
        except httpx.ConnectError:
            time.sleep(0.005)


def times(url: str, rows: list[dict[str, float]]) -> list[float]:
    """Milliseconds of one request a row, one after the other."""
    found = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for row in rows:
            begin = time.perf_counter()
            client.post("/predict", json={"rows": [row]}).raise_for_status()
            found.append(1000 * (time.perf_counter() - begin))
    return found


def side_by_side(url: str, rows: list[dict[str, float]]) -> list[float]:
    """The same by several clients at once."""
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
    """Milliseconds: of starts, of single rows by one client, and by eight."""
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
                    found["eight clients"] = side_by_side(url, rows[: REQUESTS // CLIENTS])
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()
    return found


def main() -> None:
    X, y = make_related_tasks(1000, 30, 5, random_state=0)
    model = skmtl.MultiTaskKerasRegressor(random_state=0).fit(X, y)
    found = measure(model, X)
    facts = {**machine(), "httpx": httpx.__version__}
    said = ", ".join(f"{key} {value}" for key, value in facts.items() if key not in ("date", "processor"))
    lines = [
        "# Serving one row over HTTP",
        "",
        f"{facts['date']}, {facts['processor']}; {said}.",
        "",
        "`examples/serve.py` with a default fit of 1,000 x 30 x 5, predictions and intervals, on the loopback; clients",
        "share the machine. One client asks 200 times, eight ask 25 times each. The aim of one: a median below 5 ms.",
        "",
        "| what | median | p99 |",
        "| --- | --- | --- |",
        f"| process start to first answer | {statistics.median(found['starts']):.0f} ms |  |",
        *(
            f"| {name} | {np.median(found[name]):.2f} ms | {np.quantile(found[name], 0.99):.2f} ms |"
            for name in ("one client", "eight clients")
        ),
    ]
    (RESULTS / "serving.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
