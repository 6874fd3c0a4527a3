"""Serve a saved model over HTTP: JSON rows in, predictions and intervals out.

    python examples/serve.py model.skmtl --port 8000

    curl -X POST http://127.0.0.1:8000/predict -H "content-type: application/json" \
         -d '{"rows": [{"rooms": 3, "area": 80.5, "town": "Kiel"}]}'

The model is a file made by ``skmtl.save``. The service needs fastapi and uvicorn (``pip
install "skmtl[serve]"``). It needs no TensorFlow for the default network. A row has all
columns that ``fit`` saw, by name ("x0", "x1", … if they had no names); null is a
missing value. If a row cannot be read, the error names the row, the column and the
problem.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import uvicorn
from fastapi import Body, FastAPI, HTTPException

import skmtl

MOST_ROWS = 10_000
COVERAGE = 0.9


class Columns:
    """The columns that rows must have, taken from the fitted model."""

    def __init__(self, model: Any) -> None:
        # In a task grouping, any group will do.
        first = getattr(model, "estimators_", [model])[0]
        names = getattr(model, "feature_names_in_", None)
        self.given = names is not None
        self.names = (
            [str(name) for name in names]
            if self.given
            else [f"x{i}" for i in range(model.n_features_in_)]
        )
        keys = self.names if self.given else range(len(self.names))
        self.categories = {
            name
            for name, key in zip(self.names, keys, strict=True)
            if key in first.categories_
        }

    def read(self, rows: list[Any]) -> Any:
        """Convert rows to the input of ``predict``; an HTTP error 422 names a row and column that cannot be read."""
        for number, row in enumerate(rows):
            self._check(number, row)
        if not self.categories:
            numbers = np.array(
                [[_number(row[name]) for name in self.names] for row in rows]
            )
            return pd.DataFrame(numbers, columns=self.names) if self.given else numbers
        columns = {
            name: pd.Series(
                [
                    row[name] if name in self.categories else _number(row[name])
                    for row in rows
                ],
                dtype=object,
            )
            if name in self.categories
            else np.array([_number(row[name]) for row in rows])
            for name in self.names
        }
        table = pd.DataFrame(columns)
        return table if self.given else table.to_numpy(dtype=object)

    def _check(self, number: int, row: Any) -> None:
        if not isinstance(row, dict):
            raise _refusal(
                number, None, "should be an object with one value per column"
            )
        for name in self.names:
            if name not in row:
                raise _refusal(
                    number,
                    name,
                    "is missing from the row; use null for a missing value",
                )
            value = row[name]
            if name in self.categories:
                if isinstance(value, list | dict):
                    raise _refusal(number, name, "should be a string, a number or null")
            elif value is not None and (
                isinstance(value, str | list | dict) or not _is_finite(value)
            ):
                raise _refusal(
                    number, name, f"should be a number or null, got {value!r}"
                )
        unknown = sorted(set(row) - set(self.names))
        if unknown:
            raise _refusal(number, unknown[0], "is not a column of the model")


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _refusal(number: int, column: str | None, problem: str) -> HTTPException:
    subject = f"row {number}" if column is None else f"row {number}, column {column!r}"
    return HTTPException(
        422, {"row": number, "column": column, "problem": f"{subject} {problem}"}
    )


def make_app(path: str | Path) -> FastAPI:
    """Create the service for the model in a file."""
    model = skmtl.load(path)
    columns, tasks = Columns(model), list(model.task_names_)
    has_intervals = hasattr(model, "oob_residuals_") and hasattr(
        model, "predict_interval"
    )
    app = FastAPI(title="skmtl")

    @app.get("/")
    def describe() -> dict[str, Any]:
        return {
            "tasks": tasks,
            "columns": columns.names,
            "categories": sorted(columns.categories),
        }

    @app.post("/predict")
    async def predict(rows: Annotated[list[Any], Body(embed=True)]) -> dict[str, Any]:
        # Predicting a row takes less time than starting a thread, so it happens right
        # here.
        if not 0 < len(rows) <= MOST_ROWS:
            raise HTTPException(
                422,
                {
                    "problem": f"the number of rows should be 1 to {MOST_ROWS}, got {len(rows)}"
                },
            )
        X = columns.read(rows)
        answer = {"predictions": _by_row(model.predict(X), tasks)}
        if has_intervals:
            ends = model.predict_interval(X, coverage=COVERAGE).reshape(
                len(rows), len(tasks), 2
            )
            answer["intervals"] = [
                {task: _plain(pair) for task, pair in zip(tasks, row, strict=True)}
                for row in ends.tolist()
            ]
        return answer

    return app


def _by_row(predicted: Any, tasks: list[str]) -> list[dict[str, Any]]:
    table = np.asarray(predicted, dtype=object).reshape(len(predicted), len(tasks))
    return [dict(zip(tasks, map(_plain, row), strict=True)) for row in table.tolist()]


def _plain(value: Any) -> Any:
    """Convert a value to JSON: null for an infinite end of an interval, text for dates and the like."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int | str | bool) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="file made by skmtl.save")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    uvicorn.run(
        make_app(arguments.model),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
