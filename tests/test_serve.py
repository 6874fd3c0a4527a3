"""The service of examples/serve.py, called over HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import skmtl

from .persistence._cases import fitted

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

ROOT = Path(__file__).resolve().parents[1]
# Prints at exit whether TensorFlow was imported.
RUNNER = (
    "import atexit, runpy, sys\n"
    "atexit.register(lambda: print('tensorflow' in sys.modules, flush=True))\n"
    "sys.argv = sys.argv[1:]\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


class Service:
    """Run the example in a separate process."""

    def __init__(self, model: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-c", RUNNER, str(ROOT / "examples" / "serve.py"), str(model), "--port", str(port)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        self._wait()

    def _wait(self) -> None:
        for _ in range(300):
            try:
                self.client.get("/")
                return
            except httpx.ConnectError:
                assert self.process.poll() is None
                time.sleep(0.1)
        raise TimeoutError("the service did not start")

    def predict(self, rows: Any) -> Any:
        return self.client.post("/predict", json={"rows": rows})

    def close(self) -> str:
        """Ends the service; what it printed."""
        self.client.close()
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=30)[0]


def served(case: str, folder: Path) -> Iterator[Service]:
    skmtl.save(fitted(case)[0], folder / "model.skmtl")
    service = Service(folder / "model.skmtl")
    yield service
    assert service.close() == "False\n"


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from served("regressor", tmp_path_factory.mktemp("numbers"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from served("mixed", tmp_path_factory.mktemp("mixed"))


def as_rows(X: Any) -> list[dict[str, Any]]:
    table = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    return table.astype(object).where(table.notna(), None).to_dict("records")


def test_it_returns_predictions_and_intervals(numbers):
    model, rows = fitted("regressor")
    answer = numbers.predict(as_rows(rows[:5]))
    assert answer.status_code == 200
    found = answer.json()
    assert [[row["y0"], row["y1"]] for row in found["predictions"]] == model.predict(rows[:5]).tolist()
    ends = model.predict_interval(rows[:5], coverage=0.9)
    np.testing.assert_array_equal([[row["y0"], row["y1"]] for row in found["intervals"]], ends)


def test_it_takes_categories_and_missing_values(mixed):
    model, rows = fitted("mixed")
    found = mixed.predict(as_rows(rows[:8])).json()
    expected = model.predict(rows[:8])
    assert [row["size"] for row in found["predictions"]] == expected["size"].tolist()
    assert [row["sold"] for row in found["predictions"]] == expected["sold"].tolist()
    assert [row["price"] for row in found["predictions"]] == expected["price"].tolist()
    assert "intervals" not in found


def test_it_describes_its_inputs(mixed):
    found = mixed.client.get("/").json()
    assert found["tasks"] == ["price", "size", "sold"]
    assert found["columns"] == ["a", "b", "c", "d", "size", "street", "year", "sold"]
    assert found["categories"] == ["size", "street", "year"]


GOOD = {"x0": 1, "x1": None, "x2": 0.5, "x3": 2}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**GOOD, "x2": "many"}, "row 1, column 'x2' should be a number or null, got 'many'"),
        ({"x0": 1}, "row 1, column 'x1' is missing from the row; use null for a missing value"),
        ({**GOOD, "x9": 1}, "row 1, column 'x9' is not a column of the model"),
        ({**GOOD, "x0": [1]}, "row 1, column 'x0' should be a number or null, got [1]"),
        ({**GOOD, "x0": 10**400}, "row 1, column 'x0' should be a number or null"),
        ([1, 2, 3, 4], "row 1 should be an object with one value per column"),
    ],
)
def test_an_unreadable_row_is_named_with_its_column(numbers, row, said):
    answer = numbers.predict([GOOD, row])
    assert answer.status_code == 422
    assert answer.json()["detail"]["problem"].startswith(said)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"rows": 3}', b'{"rows": []}', b'{"other": [1]}', b'{"rows": [{"x0": NaN}]}']
)
def test_an_invalid_body_is_refused_and_the_service_continues(numbers, body):
    answer = numbers.client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert numbers.predict([GOOD]).status_code == 200


def test_a_list_for_a_category_is_refused(mixed):
    _, rows = fitted("mixed")
    (row,) = as_rows(rows[:1])
    answer = mixed.predict([{**row, "size": ["s"]}])
    assert answer.json()["detail"]["problem"] == "row 0, column 'size' should be a string, a number or null"
