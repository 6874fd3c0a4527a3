"""Result of a comparison with single-task baselines."""

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
    """Scores of a multi-task estimator and its single-task baselines, by task and fold.

    `compare_with_single_task` makes it.

    Attributes
    ----------
    fold_scores : DataFrame
        One row per estimator, task and fold, with the columns "estimator" ("multi_task", "single_task" or a name in
        ``other_estimators``), "task", "fold" and "score" (NaN if undefined).
    fits : DataFrame
        One row per fit, with the columns "estimator", "task" (None for a fit on all tasks), "fold", "fit_time" in
        seconds, and "n_parameters" (NaN if they cannot be counted).
    task_names : tuple of str
        The compared tasks.
    n_folds : int
        Number of folds over all repeats.
    budget : str
        "full" or "equal_parameters".
    confidence_level : float
        Level of all confidence intervals.

    See Also
    --------
    compare_with_single_task : Computes a comparison, and describes its statistics.
    SingleTaskComparisonDisplay : Plots it.
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
        """Names of the estimators: "multi_task", "single_task", and those in ``other_estimators``."""
        return tuple(self.fold_scores["estimator"].unique())

    def frame(self, against: str = SINGLE) -> pd.DataFrame:
        """Compare task by task.

        Parameters
        ----------
        against : str, default="single_task"
            Name of the estimator to compare the multi-task estimator with.

        Returns
        -------
        frame : DataFrame
            One row per task, with the columns

            - "metric": name of the metric;
            - "multi_task" and the name of the other estimator: mean scores over folds;
            - "difference", "ci_low", "ci_high": how much **better** the multi-task estimator is (positive also for
              metrics where lower is better), with its confidence interval;
            - "p_value": p-value of no difference, not corrected for the number of tasks;
            - "relative_gain": reduction of the loss, in per cent of the other estimator's loss;
            - "verdict": "helped" or "hurt" if the interval excludes 0, else "no difference"; "unknown" with fewer
              than two folds in which both scores are defined;
            - "n_folds": number of such folds;
            - "fit_time_…", "n_parameters_…": seconds (median over folds) and number of parameters of the fit that
              predicts the task, or all tasks together;
            - the mean scores of any additional estimators.
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

            - "delta_m": mean over tasks of the relative loss reduction against the single-task baselines, in per
              cent; **positive is better than the baselines**, whose own value is 0;
            - "ci_low", "ci_high", "verdict": its confidence interval and the verdict;
            - "mean_rank": mean over tasks of the rank by mean score, 1 for the best;
            - "helped", "no_difference", "hurt": number of tasks with this verdict against the baselines;
            - "fit_time": seconds to fit all tasks (median over folds, summed over the fits of a fold);
            - "time_ratio": "fit_time" relative to the baselines;
            - "n_parameters": number of parameters for all tasks and all members of an ensemble, mean over folds;
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
        """Return delta-m against the single-task baselines in per cent, with its interval."""
        gains = pd.DataFrame(
            {
                task: self._gains(task, estimator, SINGLE) * self._percent(task, estimator, SINGLE)
                for task in self.task_names
            }
        )
        # A fold counts only if it has the gains of all tasks: otherwise its mean would be over other tasks.
        gains = gains.loc[:, gains.notna().any()]
        by_fold = gains.mean(axis=1, skipna=False).to_numpy() if gains.shape[1] else np.full(self.n_folds, np.nan)
        ratio = float(np.mean([self._test_to_train[task] for task in self.task_names]))
        return corrected_interval(by_fold, ratio, self.confidence_level)

    def _check_name(self, name: str) -> None:
        if name not in self.estimator_names:
            raise ValueError(f"There is no estimator {name!r}.{proposal(str(name), self.estimator_names)}")

    def _scores(self, estimator: str, task: str) -> np.ndarray:
        selected = (self.fold_scores["estimator"] == estimator) & (self.fold_scores["task"] == task)
        return self.fold_scores.loc[selected].sort_values("fold")["score"].to_numpy()

    def _interval(self, task: str, estimator: str, against: str) -> Interval:
        gains = self._gains(task, estimator, against)
        return corrected_interval(gains, self._test_to_train[task], self.confidence_level)

    def _percent(self, task: str, estimator: str, against: str) -> float:
        """Return a difference of 1 in per cent of the other's mean loss; NaN if that is 0."""
        metric = self._metrics[task]
        ours, theirs = (metric.loss(self._scores(name, task)) for name in (estimator, against))
        both = ~np.isnan(ours) & ~np.isnan(theirs)
        base = abs(theirs[both].mean()) if both.any() else 0.0
        # Rounding may keep 1 - score of a perfect score above 0; other losses may be arbitrarily small.
        return 100.0 / base if base > (1e-12 if metric.offset else 0.0) else np.nan

    def _gains(self, task: str, estimator: str, against: str) -> np.ndarray:
        """Return how much better the estimator scores than the other, per fold."""
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
            fits = self.fits[self.fits["estimator"] == name]
            fits = fits[fits["task"].isna() | (fits["task"] == task)]
            row[f"fit_time_{name}"] = float(fits["fit_time"].median())
            row[f"n_parameters_{name}"] = float(fits["n_parameters"].mean())
        return row

    def _ranks(self) -> pd.Series:
        names = list(self.estimator_names)
        scores = [np.array([self._scores(name, task) for name in names]) for task in self.task_names]
        # Only folds with a score of every estimator count: means over different folds are not comparable.
        means = np.array([part[:, ~np.isnan(part).any(axis=0)].mean(axis=1) for part in scores if not _empty(part)])
        if len(means) == 0:
            return pd.Series(np.nan, index=names)
        kept = [task for task, part in zip(self.task_names, scores, strict=True) if not _empty(part)]
        signs = np.array([self._metrics[task].gain_sign for task in kept])
        return pd.Series(rankdata(-signs[:, None] * means, axis=1).mean(axis=0), index=names)

    def _costs(self, name: str) -> dict[str, float]:
        fits = self.fits[self.fits["estimator"] == name]
        by_task = fits.groupby(fits["task"].fillna(""))
        return {
            "fit_time": float(by_task["fit_time"].median().sum()),
            "n_parameters": float(by_task["n_parameters"].mean().sum(skipna=False)),
            "n_fits": len(by_task),
        }

    def _headline(self) -> str:
        tasks = f"{len(self.task_names)} task" + ("s" if len(self.task_names) > 1 else "")
        baselines = "full-size baselines" if self.budget == "full" else "baselines with as many parameters in total"
        return f"Multi-task against single-task: {tasks}, {self.n_folds} folds, {baselines}"

    def _conclusion(self) -> list[str]:
        overall, costs = self._overall(MULTI), self.summary()
        losses = ", ".join(dict.fromkeys(self._metrics[task].loss_name for task in self.task_names))
        level = f"{self.confidence_level:.0%}"
        lines = [
            f"delta-m {overall.mean:+.1f} % ({level} interval {overall.low:+.1f} to {overall.high:+.1f}): "
            f"{overall.verdict}. Mean relative reduction of {losses}; positive means multi-task is better.",
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
    """Return whether no fold has a score of every estimator."""
    return bool(np.isnan(scores).any(axis=0).all())
