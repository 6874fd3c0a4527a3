"""The inputs and outputs of the compiled program, as records of tensors."""

from __future__ import annotations

from typing import Any, NamedTuple


class Carry(NamedTuple):
    """State of a balancing method, and the key of its random numbers; empty if it needs neither.

    ``method`` maps a name to a tensor with a leading member axis; ``noise`` is (members, 2) int32, or ().
    """

    method: dict[str, Any]
    noise: Any


class Best(NamedTuple):
    """The best epoch so far by one early-stopping criterion; leading axis: members.

    ``reference`` is the last loss that was better by more than the tolerance, ``wait`` the epochs since then.
    """

    flat: Any
    frozen: list[Any]
    loss: Any
    reference: Any
    wait: Any
    epoch: Any


class State(NamedTuple):
    """State of training between two epochs; leading axis: members.

    ``best`` has one entry per early-stopping criterion; ``epoch`` counts the epochs of each member's fit.
    """

    flat: Any
    optimizer: list[Any]
    frozen: list[Any]
    balancing: Carry
    best: list[Best]
    active: Any
    epoch: Any


class Data(NamedTuple):
    """Data that stay on the device during the fit.

    ``learning_weights`` are the labels' weights in training, ``weights`` those in evaluation.
    """

    inputs: Any
    labels: Any
    weights: Any
    learning_weights: Any
    evaluation: Any


class Stream(NamedTuple):
    """Numbers of rows, if these come a window at a time or are spread over workers.

    ``counts`` are the rows of each step over all workers, (steps, members); ``rows`` those of an epoch, (members,).
    """

    counts: Any
    rows: Any


class Numbers(NamedTuple):
    """Numbers of the fit, as tensors: one per member if they may differ between the fits of a program.

    Scalars are the same for all members of a program.
    """

    rate: Any  # (members,)
    horizon: Any  # (members,): steps over which the rate falls to 0 along half a cosine; 0 for a constant rate
    begun: Any  # steps of the epoch that earlier calls took
    decay: Any  # (members,)
    task_weights: Any  # (members, tasks), as are the next four
    units: Any
    scale: Any
    train_share: Any
    eval_weight: Any
    train_rows: Any  # (members,)
    eval_rows: Any  # (members,)
    epochs: Any  # (members,): number after which a fit is over, even if others of its program continue
    steps: Any
    eval_steps: Any
    tol: Any  # (members,)
    patience: Any  # (members,)
    stopping: Any  # (members,): whether early stopping is on
    criteria: Any  # (criteria, tasks): 1 for the tasks of an early-stopping criterion, else 0
    by_others: Any  # whether a member's epochs are compared on the rows that the other members hold out
    closing: Any  # whether the epoch ends with this call
    balancing: dict[str, Any]  # constants of the balancing method
    stream: Stream | tuple[()] = ()  # empty if the device holds all rows of the epoch


class StepRows(NamedTuple):
    """Numbers of rows in a step, member by member.

    ``left`` counts this worker's rows that the epoch has not used yet. ``size`` is the number of rows in the step and
    ``share`` their share of the epoch, over all workers. Members that are not ``present`` have none (None: all have).
    """

    left: Any
    size: Any
    share: Any
    present: Any


class Report(NamedTuple):
    """Results of epochs for the history; leading axis: epochs.

    ``train`` and ``evaluation`` are (epochs, members, tasks), ``penalty`` is (epochs, members); ``balancing`` has the
    sums over an epoch's steps that describe the balancing method.
    """

    train: Any
    evaluation: Any
    penalty: Any
    balancing: dict[str, Any]
