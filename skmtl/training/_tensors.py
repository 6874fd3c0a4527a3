"""What goes into the compiled program and comes out of it, as tensors."""

from __future__ import annotations

from typing import Any, NamedTuple


class Carry(NamedTuple):
    """What a balancing method remembers, and the key of its random numbers; nothing where it needs neither.

    ``method`` maps a name to a tensor with a leading member axis; ``noise`` is (members, 2) int32, or ().
    """

    method: dict[str, Any]
    noise: Any


class Best(NamedTuple):
    """The best epoch so far in the eyes of one judge; leading axis: members.

    ``reference`` is the loss that was last clearly better, ``wait`` the epochs since then.
    """

    flat: Any
    frozen: list[Any]
    loss: Any
    reference: Any
    wait: Any
    epoch: Any


class State(NamedTuple):
    """What training carries from one epoch to the next; leading axis: members. ``best`` has an entry a judge.

    ``epoch`` counts the epochs of each member's fit.
    """

    flat: Any
    optimizer: list[Any]
    frozen: list[Any]
    balancing: Carry
    best: list[Best]
    active: Any
    epoch: Any


class Data(NamedTuple):
    """What lies on the device for the whole fit.

    ``learning_weights`` are the labels' weights in training, ``weights`` those in evaluation.
    """

    inputs: Any
    labels: Any
    weights: Any
    learning_weights: Any
    evaluation: Any


class Stream(NamedTuple):
    """Where rows come a window at a time, or are spread over workers: what the rows at hand cannot tell.

    ``counts`` are the rows of each step over all workers, (steps, members); ``rows`` those of an epoch, (members,).
    """

    counts: Any
    rows: Any


class Numbers(NamedTuple):
    """Numbers of the fit, as tensors: of each member, since members may belong to fits that differ in them.

    Scalars are what all members of a program share.
    """

    rate: Any  # (members,)
    horizon: Any  # (members,): steps over which the rate falls to 0 along half a cosine; 0 for a constant rate
    begun: Any  # steps of the epoch that were taken in calls before
    decay: Any  # (members,)
    task_weights: Any  # (members, tasks), as the four below
    units: Any
    scale: Any
    train_share: Any
    eval_weight: Any
    train_rows: Any  # (members,)
    eval_rows: Any  # (members,)
    epochs: Any  # (members,): after so many a fit is over, though others of its program go on
    steps: Any
    eval_steps: Any
    tol: Any  # (members,)
    patience: Any  # (members,)
    stopping: Any  # (members,): whether patience counts
    criteria: Any  # (judges, tasks): 1 for the tasks that count in the eyes of a judge, else 0
    by_others: Any  # whether a member's epochs are judged by the rows that the others hold out
    closing: Any  # whether the epoch ends with this call
    balancing: dict[str, Any]  # constants of the balancing method
    stream: Stream | tuple[()] = ()  # where the device holds all rows of the epoch, they say it themselves


class Turn(NamedTuple):
    """A step's rows, member by member.

    ``left`` are those at hand that the epoch has not seen yet; ``size`` is the number of the step's rows and ``share``
    their share of the epoch's, over all workers; members that are not ``present`` have none (None: all have).
    """

    left: Any
    size: Any
    share: Any
    present: Any


class Report(NamedTuple):
    """What the epochs leave in the record, leading axis: epochs.

    ``train`` and ``evaluation`` are (epochs, members, tasks), ``penalty`` (epochs, members); ``balancing`` are
    the sums over the epoch's steps that the balancing method is reported by.
    """

    train: Any
    evaluation: Any
    penalty: Any
    balancing: dict[str, Any]
