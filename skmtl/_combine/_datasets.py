"""Data sets of separate tasks, each with its own rows and columns, to one X and one y."""

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
    """One X and one y made of several data sets; unpacks as ``X, y``.

    Parameters
    ----------
    X : pandas.DataFrame of shape (n_samples, n_features)
        The union of the feature columns, missing where a row's data set does not have the column.
    y : pandas.DataFrame of shape (n_samples, n_tasks)
        One column a task with the index of X, missing where the label is not known.
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
    """Combine the data sets of separate tasks to one X and one y with missing values.

    Each task may come with its own rows and its own feature columns. The result has the union of the
    columns, and either all the rows one below the other, or one row for each key where the data sets
    describe the same samples. What no data set knows is missing: the multi-task estimators take missing
    features and leave missing labels out of the loss.

    Parameters
    ----------
    datasets : dict of str to (X, y)
        X is a table of shape (n_samples, n_features), y has shape (n_samples,) or (n_samples, n_targets):
        pandas objects, arrays, lists, or anything with a ``to_pandas`` method such as polars frames.
        A y of one column becomes the task named by the key. A y of several columns becomes a task for
        each, with the names of its columns, or ``<key>_0``, ``<key>_1``, ... where it has none.
        Where both X and y are pandas objects, their indexes must be equal.
    on : {"index"}, list of str, str or None, default=None
        Which rows are the same sample.

        - None: none are. The rows are stacked, and the result has a MultiIndex of the task and
          the row's own label (its number, where it has no label).
        - "index": rows with the same label of the pandas index.
        - list of column names: rows with the same values in these columns of X, which then become the
          index. A single name other than "index" may be given as a str.

        Joined rows keep the order of first appearance, and one task may not have a key twice.
    keep_targets : bool or list of str, default=False
        Columns of X that stay there although they are a target, or look like one: all (True), none
        (False), or these. Columns named here are not checked and not warned about.
    keep_keys : bool, default=False
        Whether the key columns that `on` lists are features too.

    Returns
    -------
    CombinedDatasets
        Named tuple of the DataFrames ``X`` and ``y``, with the columns in order of first appearance.

    Raises
    ------
    TypeError
        Where `datasets` is not a dict of pairs, or a container is of an unknown type.
    ValueError
        Where X and y of a task do not fit together, a column name or a target name occurs twice, a
        column holds different kinds of values in two tasks (numbers and strings, say), a key is
        absent, missing or occurs twice in a task, two tasks hold different values of one cell, unnamed
        columns cannot be matched, or no feature column is left.

    Warns
    -----
    UserWarning
        Where a column of X was dropped because it is a target; where one equals a target in too few rows
        to tell and was kept; where tasks are joined but no two of them have a key in common.

    Notes
    -----
    *Targets among the features.* What is a label in one file is often a feature in another: the house's area
    in the file of prices. In the combined X it would hand the network the answer. A column of X is dropped
    if it has the name of a target of any task (the task's name, or the name that its y came with; case
    and surrounding blanks do not count). It is also dropped if its values are identical to a target's in all
    rows of the result that hold both, and unrelated values drawn with the target's frequencies would
    all agree with a probability below 0.001, which takes five rows of different numbers or ten of a
    balanced binary label. Identical columns with a probability between 0.001 and 0.05 are kept, with a
    warning. A copy in other units or rounded is not recognised, and nor is one that shares no row with
    its target: in stacked rows a feature meets only the targets of its own data set, so that there
    another task's target is known by its name alone.

    *Columns without names.* Where no X has column names, the columns are matched by position and named x0,
    x1, ...; this needs the same number of columns in all tasks. Unnamed beside named columns are refused.

    *Dtypes.* A number stays the number it is: integers and booleans become float64 in a feature column with
    missing cells, integers beyond 2**53, for which this is not exact, are refused there. Numeric targets are
    float64; string, categorical and boolean targets keep their values, with NaN for a missing label.
    A column that is categorical in all its tasks stays so, with the union of the categories. A column of
    which every cell is missing becomes float64. Cells are compared exactly when rows are joined; a
    missing cell agrees with any value.

    Examples
    --------
    Prices and areas come from different houses, and the file of prices also has the area.

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

    Where the files describe the same houses, a key joins them.

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
            f"No feature column is left in X. {_describe(dropped + copies)}Give features, "
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
        _say("The tasks have no key in common, so no rows were joined. Check that the keys are written alike.")
    if dropped:
        names = sorted({finding.column for finding in dropped})
        _say(
            f"Dropped from X, because a target among the features gives the answer away: {_describe(dropped)}"
            f"To keep such columns, pass keep_targets={names}."
        )
    if suspects:
        names = sorted({finding.column for finding in suspects})
        _say(
            f"Kept in X, although it may be a target: {_describe(suspects)}The rows are too few to tell. "
            f"Drop the column if it is that target, else keep it silently with keep_targets={names}."
        )


def _describe(findings: Sequence[Finding]) -> str:
    described = "; ".join(
        f"column {finding.column!r} ({finding.reason} the target {finding.target!r})" for finding in findings
    )
    return f"{described}. " if described else ""


def _say(message: str) -> None:
    # The caller of combine_task_datasets is who should read it: _say, _warn, the function itself, the caller.
    warnings.warn(message, UserWarning, stacklevel=4)
