"""Weights of a blend's parts."""

import numpy as np

from skmtl._records import TargetScaling, Task
from skmtl.blending._columns import Columns
from skmtl.blending._part_weights import part_weights

RNG = np.random.default_rng(0)
CLASSES = Task("class", "classification", ("no", "yes"))
NUMBER = Task("number", "regression")


def layout_of(*tasks):
    return Columns(tasks, TargetScaling(np.zeros(len(tasks)), np.ones(len(tasks))))


def test_a_part_with_zero_probabilities_for_rare_cases_gets_less_weight():
    chance = RNG.choice([0.001, 0.03, 0.9], size=4000, p=[0.6, 0.3, 0.1])
    yes = RNG.random(4000) < chance
    values = np.column_stack([~yes, yes]).astype(float)
    bold = np.where(chance < 0.5, 0.0, chance)
    shy = np.clip(chance + 0.08 * RNG.normal(size=4000) * (chance > 0.5), 0.0, 1.0)
    held = [np.column_stack([1 - one, one]) for one in (bold, shy)]
    weights = np.ones(values.shape)
    found = part_weights(layout_of(CLASSES), held, values, weights)[:, 0]
    # As two regressions, the same columns are weighed by squared errors only.
    squared = part_weights(layout_of(NUMBER, NUMBER), held, values, weights).mean(axis=1)
    assert found[1] > squared[1] + 0.2

    def log_loss(counts):
        probability = np.clip((counts[0] * held[0] + counts[1] * held[1])[values > 0], 1e-3, None)
        return -np.log(probability).mean()

    assert log_loss(found) < log_loss(squared)
