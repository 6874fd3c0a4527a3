"""What a comparison with single-task twins found."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from .._names import proposal
from ._scoring import TaskMetric
from ._statistics import HELPED, HURT, SAME, Interval, corrected_interval

MULTI, SINGLE = "multi_task", "single_task"
_TINTS = {HELPED: "#d9ead3", HURT: "#f4cccc"}


@dataclass(frozen=True, eq=False, repr=False)
class SingleTaskComparison:
    """Scores of a multi-task estimator and of its single-task twins, task by task and fold by fold.

    `compare_with_single_task` makes it.

    Attributes
    ----------
    fold_scores : DataFrame
        One row per estimator, task and fold: columns "estimator" ("multi_task", "single_task" or the
        name that the caller gave), "task", "fold" and "score" (NaN where undefined).
    fits : DataFrame
        One row per fit: columns "estimator", "task" (None where one fit served all tasks), "fold",
        "fit_time" in seconds, "n_parameters" (NaN where they cannot be counted).
    task_names : tuple of str
        The tasks that are compared.
    n_folds : int
        Number of folds, those of all repeats.
    budget : str
        "full" or "equal_parameters".
    confidence_level : float
        Level of all confidence intervals.

    See Also
    --------
    compare_with_single_task : Makes a comparison, and describes its statistics.
    SingleTaskComparisonDisplay : Draws it.
    """

    fold_scores: pd.DataFrame
    fits: pd.DataFrame
    task_names: tuple[str, ...]
    n_folds: int
    budget: str
    confidence_level: float
    _metrics: Mapping[str, TaskMetric] = field(default_factory=dict)
    _test_to_train: Mapping[str, float] = field(default_factory=dict)

    @property
    def estimator_names(self) -> tuple[str, ...]:
        """Names of the estimators: "multi_task", "single_task", and those that the caller gave."""
        return tuple(self.fold_scores["estimator"].unique())

    def frame(self, against: str = SINGLE) -> pd.DataFrame:
        """Compare task by task.

        Parameters
        ----------
        against : str, default="single_task"
            Name of the estimator that the multi-task one is compared with.

        Returns
        -------
        frame : DataFrame
            One row per task, with the columns

            - "metric": name of the score;
            - "multi_task" and the name of the other estimator: mean score over folds;
            - "difference", "ci_low", "ci_high": by how much the multi-task estimator is **better**
              (positive also where less of the score is better), with its confidence interval;
            - "p_value": of no difference, not corrected for the number of tasks;
            - "relative_gain": by how much the loss is smaller, in per cent of the other estimator's;
            - "verdict": "helped" or "hurt" where the interval excludes 0, else "no difference"; "unknown" with
              fewer than two folds in which both scores are defined;
            - "n_folds": number of such folds;
            - "fit_time_…", "n_parameters_…": seconds (median over folds) and weights of a fit that served the
              task: of the one for all tasks, where there is one;
            - further estimators' mean scores.
        """
        self._check_name(against)
        rows = {task: self._row(task, against) for task in self.task_names}
        table = pd.DataFrame.from_dict(rows, orient="index")
        table.index.name = "task"
        for name in self.estimator_names:
            if name not in table.columns:
                table[name] = [self._scores(name, task).mean() for task in self.task_names]
        return table

    def summary(self) -> pd.DataFrame:
        """Compare the estimators over all tasks.

        Returns
        -------
        summary : DataFrame
            One row per estimator, with the columns

            - "delta_m": mean over tasks of the relative reduction of the loss in per cent, against the
              single-task twins; **positive is better than the twins**, and their own is 0;
            - "ci_low", "ci_high", "verdict": its confidence interval, and what that says;
            - "mean_rank": mean over tasks of the rank by mean score, 1 for the best;
            - "helped", "no_difference", "hurt": for how many tasks it is better than, as good as, and
              worse than the twins;
            - "fit_time": seconds to fit all tasks (median over folds, added up over the fits of a fold);
            - "time_ratio": that, relative to the twins;
            - "n_parameters": weights for all tasks, all members of an ensemble, mean over folds;
            - "n_fits": fits per fold.
        """
        ranks = self._ranks()
        rows = {}
        for name in self.estimator_names:
            overall = self._overall(name)
            verdicts = [self._interval(task, name, SINGLE).verdict for task in self.task_names]
            rows[name] = {
                "delta_m": overall.mean,
                "ci_low": overall.low,
                "ci_high": overall.high,
                "verdict": overall.verdict,
                "mean_rank": ranks[name],
                "helped": verdicts.count(HELPED),
                "no_difference": verdicts.count(SAME),
                "hurt": verdicts.count(HURT),
                **self._costs(name),
            }
        table = pd.DataFrame.from_dict(rows, orient="index")
        ratio = table["fit_time"] / table.loc[SINGLE, "fit_time"]
        table.insert(list(table.columns).index("fit_time") + 1, "time_ratio", ratio)
        table.loc[SINGLE, ["verdict", "helped", "no_difference", "hurt"]] = [None] * 4
        table.index.name = "estimator"
        return table

    def _overall(self, estimator: str) -> Interval:
        """Delta-m of an estimator against the single-task twins, in per cent, with its interval."""
        gains = pd.DataFrame(
            {
                task: self._gains(task, estimator, SINGLE) * self._percent(task, estimator, SINGLE)
                for task in self.task_names
            }
        )
        # A fold counts where all tasks that have a gain anywhere have one: else its mean is over other tasks.
        gains = gains.loc[:, gains.notna().any()]
        by_fold = gains.mean(axis=1, skipna=False).to_numpy() if gains.shape[1] else np.full(self.n_folds, np.nan)
        ratio = float(np.mean([self._test_to_train[task] for task in self.task_names]))
        return corrected_interval(by_fold, ratio, self.confidence_level)

    def _check_name(self, name: str) -> None:
        if name not in self.estimator_names:
            raise ValueError(f"There is no estimator {name!r}.{proposal(str(name), self.estimator_names)}")

    def _scores(self, estimator: str, task: str) -> np.ndarray:
        chosen = (self.fold_scores["estimator"] == estimator) & (self.fold_scores["task"] == task)
        return self.fold_scores.loc[chosen].sort_values("fold")["score"].to_numpy()

    def _interval(self, task: str, estimator: str, against: str) -> Interval:
        gains = self._gains(task, estimator, against)
        return corrected_interval(gains, self._test_to_train[task], self.confidence_level)

    def _percent(self, task: str, estimator: str, against: str) -> float:
        """What a difference of 1 is in per cent of the other's mean loss; NaN where that is 0."""
        metric = self._metrics[task]
        ours, theirs = (metric.loss(self._scores(name, task)) for name in (estimator, against))
        both = ~np.isnan(ours) & ~np.isnan(theirs)
        base = abs(theirs[both].mean()) if both.any() else 0.0
        # 1 - score of a perfect score may be off 0 by rounding; any other loss may be as small as it likes.
        return 100.0 / base if base > (1e-12 if metric.offset else 0.0) else np.nan

    def _gains(self, task: str, estimator: str, against: str) -> np.ndarray:
        """Per fold, by how much the estimator scores better than the other."""
        return self._metrics[task].gain_sign * (self._scores(estimator, task) - self._scores(against, task))

    def _row(self, task: str, against: str) -> dict[str, object]:
        interval = self._interval(task, MULTI, against)
        ours, theirs = self._scores(MULTI, task), self._scores(against, task)
        both = ~np.isnan(ours) & ~np.isnan(theirs)
        row: dict[str, object] = {"metric": self._metrics[task].metric.name}
        for name, values in ((MULTI, ours), (against, theirs)):
            row[name] = float(values[both].mean()) if both.any() else np.nan
        row |= {
            "difference": interval.mean,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "p_value": interval.p_value,
            "relative_gain": interval.mean * self._percent(task, MULTI, against),
            "verdict": interval.verdict,
            "n_folds": int(both.sum()),
        }
        for name in dict.fromkeys((MULTI, against)):
            own = self.fits[self.fits["estimator"] == name]
            own = own[own["task"].isna() | (own["task"] == task)]
            row[f"fit_time_{name}"] = float(own["fit_time"].median())
            row[f"n_parameters_{name}"] = float(own["n_parameters"].mean())
        return row

    def _ranks(self) -> pd.Series:
        names = list(self.estimator_names)
        scores = [np.array([self._scores(name, task) for name in names]) for task in self.task_names]
        # Only folds in which all are scored: a mean over other folds is no fair rank.
        means = np.array([part[:, ~np.isnan(part).any(axis=0)].mean(axis=1) for part in scores if not _empty(part)])
        if len(means) == 0:
            return pd.Series(np.nan, index=names)
        kept = [task for task, part in zip(self.task_names, scores, strict=True) if not _empty(part)]
        signs = np.array([self._metrics[task].gain_sign for task in kept])
        return pd.Series(rankdata(-signs[:, None] * means, axis=1).mean(axis=0), index=names)

    def _costs(self, name: str) -> dict[str, float]:
        own = self.fits[self.fits["estimator"] == name]
        by_task = own.groupby(own["task"].fillna(""))
        return {
            "fit_time": float(by_task["fit_time"].median().sum()),
            "n_parameters": float(by_task["n_parameters"].mean().sum(skipna=False)),
            "n_fits": len(by_task),
        }

    def _headline(self) -> str:
        tasks = f"{len(self.task_names)} task" + ("s" if len(self.task_names) > 1 else "")
        baselines = "full-size twins" if self.budget == "full" else "twins with as many parameters together"
        return f"Multi-task against single-task: {tasks}, {self.n_folds} folds, {baselines}"

    def _conclusion(self) -> list[str]:
        overall, costs = self._overall(MULTI), self.summary()
        losses = ", ".join(dict.fromkeys(self._metrics[task].loss_name for task in self.task_names))
        level = f"{self.confidence_level:.0%}"
        lines = [
            f"delta-m {overall.mean:+.1f} % ({level} interval {overall.low:+.1f} to {overall.high:+.1f}): "
            f"{overall.verdict}. Mean relative reduction of {losses}; positive: multi-task is better.",
            f"One multi-task fit takes {costs.loc[MULTI, 'time_ratio']:.2f} times as long as all single-task fits.",
        ]
        others = [name for name in self.estimator_names if name not in (MULTI, SINGLE)]
        if others:
            ranks = costs["mean_rank"].sort_values()
            lines.append("Mean ranks: " + ", ".join(f"{name} {rank:.1f}" for name, rank in ranks.items()) + ".")
        return lines

    def _shown(self) -> pd.DataFrame:
        hidden = ("fit_time_", "n_parameters_", "n_folds")
        table = self.frame()
        return table[[name for name in table.columns if not name.startswith(hidden)]]

    def __repr__(self) -> str:
        table = self._shown().to_string(float_format=lambda value: f"{value:.4g}", max_rows=60)
        return "\n".join([self._headline(), "", table, "", *self._conclusion()])

    def _repr_html_(self) -> str:
        shown = self._shown()
        shown.index = pd.Index([html.escape(str(name)) for name in shown.index], name="task")
        shown.columns = [html.escape(str(name)) for name in shown.columns]
        shown["metric"] = [html.escape(name) for name in shown["metric"]]
        shown["verdict"] = [_tinted(verdict) for verdict in shown["verdict"]]
        table = shown.to_html(escape=False, float_format=lambda value: f"{value:.4g}", na_rep="–")
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._conclusion())
        return f"<div><p><b>{html.escape(self._headline())}</b></p>{table}{lines}</div>"


def _tinted(verdict: str) -> str:
    tint = _TINTS.get(verdict)
    return verdict if tint is None else f'<span style="background-color: {tint}; color: black">{verdict}</span>'


def _empty(scores: np.ndarray) -> bool:
    """Whether there is no fold in which all estimators have a score."""
    return bool(np.isnan(scores).any(axis=0).all())
