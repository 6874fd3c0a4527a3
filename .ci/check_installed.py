"""Check the installed wheel: what a user has after ``pip install``, with none of the extras, away from the checkout.

python .ci/check_installed.py VERSION
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import skmtl


def main(expected: str) -> None:
    """Import the package, fit, save and load."""
    home = Path(skmtl.__file__).resolve()
    check("site-packages" in home.parts, f"skmtl was imported from {home}, not from the environment")
    check((home.parent / "py.typed").exists(), "py.typed is not installed")
    check(version("skmtl") == skmtl.__version__ == expected, f"the version is {skmtl.__version__}, not {expected}")
    check("tensorflow" not in sys.modules, "import skmtl imports TensorFlow")

    from skmtl.datasets import make_related_tasks

    X, y = make_related_tasks(100, n_features=5, n_tasks=2, missing=0.2, random_state=0)
    model = skmtl.MultiTaskKerasRegressor(epochs=5, random_state=0).fit(X, y)
    predicted = model.predict(X)
    check(predicted.shape == y.shape, f"predictions have shape {predicted.shape}, y has {y.shape}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skmtl"
        skmtl.save(model, path)
        check((skmtl.load(path).predict(X) == predicted).all(), "a saved model predicts something else")
    print(f"skmtl {skmtl.__version__}: imported, fitted, saved and loaded from {home.parent}")


def check(holds: bool, message: str) -> None:
    """Stop with the message unless the condition holds."""
    if not holds:
        raise SystemExit(message)


if __name__ == "__main__":
    main(sys.argv[1])
