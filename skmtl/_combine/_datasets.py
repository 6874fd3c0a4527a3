"""Combine the data sets of separate tasks, with their own rows and columns, into one X and one y."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ._columns import Piece, gather
from ._leakage import Finding, check_keep_targets, drop_by_name, find_by_value
from ._rows import RowPlan, check_on, plan_rows
from ._tables import TaskTable, read_tables


class CombinedDatasets(NamedTuple):
    """X and y combined from several data sets; unpacks as ``X, y``.

    Parameters
    ----------
    X : pandas.DataFrame of shape (n_samples, n_features)
        The union of the feature columns, with missing values if a row's data set lacks the column.
    y : pandas.DataFrame of shape (n_samples, n_tasks)
        One column per task, with the index of X and missing values for unknown labels.
    """

    X: pd.DataFrame
    y: pd.DataFrame


def combine_task_datasets(
    datasets: Mapping[str, tuple[Any, Any]],
    *,
    on: str | Sequence[str] | None = None,
    keep_targets: bool | Sequence[str] = False,
    keep_keys: bool = False,
) -> CombinedDatasets:
    """Combine the data sets of separate tasks into one X and one y with missing values.

    Each task may have its own rows and its own feature columns. The result has the union of the columns. Its rows
    are either those of all data sets, stacked, or one row per key if the data sets describe the same samples. Cells
    that no data set provides are missing: the multi-task estimators accept missing features and leave missing
    labels out of the loss.

    Parameters
    ----------
    datasets : dict of str to (X, y)
        X is a table of shape (n_samples, n_features), y has shape (n_samples,) or (n_samples, n_targets):
        pandas objects, arrays, lists, or anything with a ``to_pandas`` method, such as polars frames.
        A y with one column becomes one task, named by the key. A y with several columns becomes one task per
        column, named by the columns, or ``<key>_0``, ``<key>_1``, ... if they have no names.
        If both X and y are pandas objects, their indexes must be equal.
    on : {"index"}, list of str, str or None, default=None
        How to match rows that describe the same sample.

        - None: no rows are matched. The rows are stacked, and the result has a MultiIndex of the task and
          the row's label (or its number, if it has no label).
        - "index": match rows with the same label in the pandas index.
        - list of column names: match rows with the same values in these columns of X, which then become the
          index. A single name other than "index" may be given as a str.

        Joined rows keep the order of first appearance. A key may occur only once per task.
    keep_targets : bool or list of str, default=False
        Columns of X to keep although they are a target or look like one: all (True), none (False), or the
        columns in the list. Columns in the list are not checked, and there is no warning about them.
    keep_keys : bool, default=False
        Whether to keep the key columns listed in `on` as features.

    Returns
    -------
    CombinedDatasets
        Named tuple of the DataFrames ``X`` and ``y``, with the columns in order of first appearance.

    Raises
    ------
    TypeError
        If `datasets` is not a dict of pairs, or a container is of an unknown type.
    ValueError
        If X and y of a task do not match, a column name or a target name occurs twice, a column holds
        different kinds of values in two tasks (for example, numbers and strings), a key column is absent, a
        key is missing or occurs twice in a task, two tasks have different values for the same cell, unnamed
        columns cannot be matched, or no feature column is left.

    Warns
    -----
    UserWarning
        If a column of X was dropped because it is a target; if a column equals a target but was kept, because
        there are too few rows to be sure; and if tasks are joined but no two of them have a key in common.

    Notes
    -----
    *Targets among the features.* A label in one data set is often a feature in another, such as the area of a
    house in a data set of prices. In the combined X it would leak the target. A column of X is dropped if it has
    the name of a target of any task: the task's name, or the original name of its y, ignoring case and surrounding
    blanks. It is also dropped if its values equal a target's in all rows of the result that have both, and if
    unrelated values with the target's frequencies would all agree with a probability below 0.001. For this, five
    rows with different numbers are enough, or ten rows of a balanced binary label. Equal columns with a
    probability between 0.001 and 0.05 are kept, with a warning. Copies that are rounded or in other units are not
    recognised, and neither are copies that share no rows with their target. In stacked rows, a feature shares rows
    only with the targets of its own data set, so another task's target can only be recognised by its name.

    *Columns without names.* If no X has column names, columns are matched by position and named x0, x1, ...; all
    tasks then need the same number of columns. Mixing data sets with and without column names raises an error.

    *Dtypes.* Numbers keep their values. Integers and booleans become float64 in a feature column with missing
    cells; integers beyond 2**53, for which the conversion is not exact, raise an error there. Numeric targets are
    float64. String, categorical and boolean targets keep their values, with NaN for missing labels. A column that
    is categorical in all its tasks stays categorical, with the union of the categories. A column without any value
    becomes float64. When rows are joined, cells are compared exactly; a missing cell agrees with any value.

    Examples
    --------
    Prices and areas come from different houses, described by partly different features.

    >>> import pandas as pd
    >>> from skmtl import combine_task_datasets
    >>> prices = pd.DataFrame({"rooms": [3, 4], "age": [20, 5], "price": [250.0, 410.0]})
    >>> areas = pd.DataFrame({"rooms": [2, 5], "floors": [1, 2], "area": [55.0, 140.0]})
    >>> X, y = combine_task_datasets(
    ...     {
    ...         "price": (prices[["rooms", "age"]], prices["price"]),
    ...         "area": (areas[["rooms", "floors"]], areas["area"]),
    ...     }
    ... )
    >>> X  # doctest: +NORMALIZE_WHITESPACE
               rooms   age  floors
    task  row
    price 0        3  20.0     NaN
          1        4   5.0     NaN
    area  0        2   NaN     1.0
          1        5   NaN     2.0
    >>> y["area"].tolist()
    [nan, nan, 55.0, 140.0]

    If the data sets describe the same houses, join them by a key.

    >>> prices["house_id"], areas["house_id"], areas["rooms"] = [7, 8], [8, 9], [4, 5]
    >>> X, y = combine_task_datasets(
    ...     {
    ...         "price": (prices[["house_id", "rooms", "age"]], prices["price"]),
    ...         "area": (areas[["house_id", "rooms", "floors"]], areas["area"]),
    ...     },
    ...     on=["house_id"],
    ... )
    >>> y  # doctest: +NORMALIZE_WHITESPACE
              price   area
    house_id
    7         250.0    NaN
    8         410.0   55.0
    9           NaN  140.0
    """
    tables = read_tables(datasets)
    keys = check_on(on, keep_keys=keep_keys)
    keep = check_keep_targets(keep_targets, tables)
    tables, plan = plan_rows(tables, keys, keep_keys=keep_keys)
    tables, dropped = drop_by_name(tables, keep)
    X = _gather_columns(tables, plan, target=False)
    y = _gather_columns(tables, plan, target=True)
    copies, suspects = find_by_value(X, y, keep)
    X = X.drop(columns=[finding.column for finding in copies])
    if X.shape[1] == 0:
        raise ValueError(
            f"No feature column is left in X. {_describe(dropped + copies)}Provide features, "
            "or keep such columns with keep_targets."
        )
    _warn(tables, plan, dropped + copies, suspects)
    return CombinedDatasets(X, y)


def _gather_columns(tables: Sequence[TaskTable], plan: RowPlan, *, target: bool) -> pd.DataFrame:
    pieces: dict[str, list[Piece]] = {}
    for table, rows in zip(tables, plan.places, strict=True):
        frame = table.y if target else table.X
        for position, name in enumerate(frame.columns):
            pieces.setdefault(name, []).append(Piece(table.task, frame.iloc[:, position], rows))
    columns = {name: gather(name, held, plan.index, target=target) for name, held in pieces.items()}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(plan.index))).set_axis(plan.index)


def _warn(tables: Sequence[TaskTable], plan: RowPlan, dropped: list[Finding], suspects: list[Finding]) -> None:
    if len(tables) > 1 and len(plan.index) == sum(len(rows) for rows in plan.places) and not plan.stacked:
        _warn_caller("The tasks have no key in common, so no rows were joined. Check that keys are spelled the same.")
    if dropped:
        names = sorted({finding.column for finding in dropped})
        _warn_caller(
            f"Dropped from X, because a target among the features leaks the labels: {_describe(dropped)}"
            f"To keep such columns, pass keep_targets={names}."
        )
    if suspects:
        names = sorted({finding.column for finding in suspects})
        _warn_caller(
            f"Kept in X, although it may be a target: {_describe(suspects)}There are too few rows to be sure. "
            f"Drop the column if it is that target; otherwise, silence this warning with keep_targets={names}."
        )


def _describe(findings: Sequence[Finding]) -> str:
    described = "; ".join(
        f"column {finding.column!r} ({finding.reason} the target {finding.target!r})" for finding in findings
    )
    return f"{described}. " if described else ""


def _warn_caller(message: str) -> None:
    # Attribute the warning to the caller of combine_task_datasets, three frames up.
    warnings.warn(message, UserWarning, stacklevel=4)
