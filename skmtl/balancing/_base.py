"""What a balancing method is: what it needs, the state it carries, the weights it answers with."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Real
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import tensorflow as tf
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from ._signal import BalancingSignal, clean

State: TypeAlias = dict[str, tf.Tensor]
Constants: TypeAlias = Mapping[str, tf.Tensor]

GRADIENTS_OF = ("parameters", "representation")


class Balancing(BaseEstimator, ABC):
    """Base of all balancing methods: decides how the tasks' losses or gradients become one update.

    A method only decides. It gets the losses, or the Gram matrix of the tasks' gradients, and answers with
    one weight per task; the engine then moves the shared parameters along ``sum_k w_k g_k``, where ``g_k`` is
    the gradient of the unweighted loss ``L_k``. Every tensor has a leading axis of ``M`` members, networks
    trained side by side, which must not influence each other.

    The engine calls, in this order: ``constants`` and ``initial_state`` once, outside the compiled program;
    then inside it ``task_weights`` at every step, ``after_step`` after every step where
    ``needs_losses_after_step`` is true, and ``epoch_end`` after every epoch. A task's own parameters move
    along ``w_k`` times their gradient where ``weighs_heads`` is true, else along ``loss_weights_k`` times
    their gradient.

    Attributes
    ----------
    requires : {"losses", "norms", "gram"}
        What the method reads. "losses" costs one backward pass a step, the others what ``gradients_of`` says.
    gradients_of : {"parameters", "representation"}
        What the gradients are of, for methods that read any (see the notes). A constructor parameter of our
        methods; one of your own may have it too, or fix it for the class.
    weighs_heads : bool
        Whether the weights also scale the gradients of the tasks' own parameters.
    needs_losses_after_step : bool
        Whether the engine evaluates the same batch again after the step and calls ``after_step``.
    needs_loss_weights : bool
        Whether the method makes no sense without the user's ``loss_weights``.

    Notes
    -----
    How to add a method: subclass, give the constructor explicit keyword parameters stored under their own
    names (as scikit-learn's estimators do, so that ``get_params``, ``clone`` and grid searches work), set the
    class attributes above, and implement ``decide``. Where the method remembers something, return its initial
    values, without the member axis, from ``initial_state`` and the new ones from ``decide``,
    ``update_after_step`` or ``update_after_epoch``: keys, shapes and dtypes must stay the same. Bounds of the
    parameters go into ``_parameter_constraints`` (scikit-learn's).

    Inside these functions use TensorFlow operations of static shape alone: no variables, no ``py_function``,
    no ``tf.random``, no branch on a tensor's value in Python. They are compiled into the training loop, both
    as a graph and by XLA. What is drawn at random comes from ``signal.noise``; ask for it with
    ``noise_shape``. Numeric parameters arrive as scalar tensors in ``constants``: never read them from
    ``self``, or each value compiles its own program; all other parameters (strings, booleans, None) are part
    of the program's structure and are read from ``self``.

    What ``decide`` sees is clean: ``present`` is false for tasks of zero loss weight, ``loss_weights`` has
    shape (M, K) and is zero for absent tasks, and losses, norms and Gram entries of absent tasks are replaced
    (by 1, 0 and 0), so that a NaN there reaches nothing. What it returns for absent tasks is replaced by
    zero, and no gradient flows through the weights. Non-finite values of present tasks are not hidden: they
    show in the weights of their member, and only there.

    What the gradients are of: with ``gradients_of="parameters"`` they are those over all shared parameters, at a
    backward pass of the shared layers for each task. With "representation" they are those at the last shared
    layer's output z, one number for each row of the batch and unit of z, which needs the heads differentiated
    alone; the shared layers are then differentiated once, with the weighted sum of these gradients as the slope at
    z. This is what MGDA-UB of [1]_ (section 3.3) does for `MGDA`, offered here for every method on gradients. The
    update is a weighted sum of the tasks' gradients over the shared parameters in both forms, and only the weights
    differ. The norm of a weighted sum at z, times that of z's Jacobian, bounds the sum's norm over the parameters
    from above; but what conflicts at z need not conflict over the parameters, nor the other way round, so that what
    a method promises holds at z alone. Recorded cosines are those of the gradients that the method reads. All
    tasks must meet in one z, with all shared layers below it and the tasks' own above: "shared_bottom" and "omoe"
    are such networks, and others are refused.

    Scale: weights made from losses sum to the sum of ``loss_weights`` over the present tasks (their number,
    where the user gave no loss weights), so that a step is as long as under equal weights; each gradient
    method states its own scale.

    References
    ----------
    .. [1] O. Sener, V. Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018.

    Examples
    --------
    Tasks with the larger loss weigh more, with an exponent that a grid search can vary:

    >>> import numpy as np, tensorflow as tf
    >>> from skmtl.balancing import Balancing, BalancingSignal
    >>> class Focal(Balancing):
    ...     requires = "losses"
    ...     weighs_heads = True
    ...     def __init__(self, *, gamma=2.0):
    ...         self.gamma = gamma
    ...     def decide(self, signal, state, constants):
    ...         raw = signal.loss_weights * signal.losses ** constants["gamma"]
    ...         total = tf.reduce_sum(signal.loss_weights, -1, keepdims=True)
    ...         return total * raw / tf.reduce_sum(raw, -1, keepdims=True), state
    >>> method = Focal(gamma=1.0)
    >>> signal = BalancingSignal(
    ...     losses=tf.constant([[0.25, 0.75]]), present=tf.constant([[True, True]]), loss_weights=tf.ones(2)
    ... )
    >>> constants = {name: tf.constant(value) for name, value in method.constants().items()}
    >>> weights, state = method.task_weights(signal, {}, constants)
    >>> weights.numpy()
    array([[0.5, 1.5]], dtype=float32)
    """

    requires: ClassVar[Literal["losses", "norms", "gram"]] = "losses"
    gradients_of: str = "parameters"
    weighs_heads: ClassVar[bool] = True
    needs_losses_after_step: ClassVar[bool] = False
    needs_loss_weights: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def constants(self) -> dict[str, float]:
        """Check the parameters and return the numeric ones, which are inputs of the compiled program.

        Returns
        -------
        dict of str to float
            Numeric constructor parameters by name.

        Raises
        ------
        ValueError
            A parameter is outside its bounds.
        """
        self._validate_params()
        self._check_gradients_of()
        for name, allowed in self._parameter_constraints.items():
            if isinstance(getattr(self, name), bool) and any(isinstance(one, Interval) for one in allowed):
                raise ValueError(f"{type(self).__name__}: {name} should be a number, got {getattr(self, name)!r}.")
        return {name: float(value) for name, value in self.get_params(deep=False).items() if _is_number(value)}

    def structure(self) -> tuple[object, ...]:
        """Key of this method's compiled program: the class and the non-numeric parameters.

        Returns
        -------
        tuple
            Hashable; equal for two instances that differ in numbers alone.
        """
        params = self.get_params(deep=False)
        return (
            type(self),
            *((name, params[name]) for name in sorted(params) if not _is_number(params[name])),
        )

    def noise_shape(self, n_tasks: int) -> tuple[int, ...] | None:
        """Shape, per member, of the random numbers that ``decide`` uses; None where it uses none.

        Parameters
        ----------
        n_tasks : int
            Number of tasks.

        Returns
        -------
        tuple of int or None
            Shape of ``signal.noise`` without the member axis.
        """
        del n_tasks
        return None

    def initial_state(self, n_tasks: int) -> dict[str, np.ndarray]:
        """State of one member before the first step; the engine stacks it to a leading axis M.

        Parameters
        ----------
        n_tasks : int
            Number of tasks.

        Returns
        -------
        dict of str to ndarray
            Empty for methods that remember nothing.
        """
        del n_tasks
        return {}

    @tf.autograph.experimental.do_not_convert
    def task_weights(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """Weights of one step. Called by the engine; methods implement ``decide``.

        Parameters
        ----------
        signal : BalancingSignal
            What the engine measured at this step.
        state : dict of str to tf.Tensor
            The method's state, with a leading axis M.
        constants : mapping of str to scalar tf.Tensor
            The values of ``constants()``.

        Returns
        -------
        weights : tf.Tensor of shape (M, K), float32
            Weight of each task's gradient, zero for absent tasks.
        state : dict of str to tf.Tensor
            The new state.

        Raises
        ------
        ValueError
            The signal lacks what the method requires.
        """
        self._check(signal)
        signal = clean(signal)
        weights, state = self.decide(signal, state, constants)
        weights = tf.where(signal.present, tf.cast(weights, tf.float32), 0.0)
        return tf.stop_gradient(weights), tf.nest.map_structure(tf.stop_gradient, state)

    @tf.autograph.experimental.do_not_convert
    def after_step(self, signal: BalancingSignal, losses_after: tf.Tensor, state: State, constants: Constants) -> State:
        """Update the state after the parameters moved. Methods implement ``update_after_step``.

        Parameters
        ----------
        signal : BalancingSignal
            The signal that ``task_weights`` got at this step.
        losses_after : tf.Tensor of shape (M, K), float32
            Losses on the same batch after the step.
        state : dict of str to tf.Tensor
            The method's state, with a leading axis M.
        constants : mapping of str to scalar tf.Tensor
            The values of ``constants()``.

        Returns
        -------
        dict of str to tf.Tensor
            The new state.
        """
        signal = clean(signal)
        after = tf.where(signal.present, losses_after, 1.0)
        return tf.nest.map_structure(tf.stop_gradient, self.update_after_step(signal, after, state, constants))

    @tf.autograph.experimental.do_not_convert
    def epoch_end(self, epoch_losses: tf.Tensor, epoch_present: tf.Tensor, state: State, constants: Constants) -> State:
        """Update the state after an epoch. Methods implement ``update_after_epoch``.

        Parameters
        ----------
        epoch_losses : tf.Tensor of shape (M, K), float32
            Mean training loss of each task over the epoch.
        epoch_present : tf.Tensor of shape (M, K), bool
            Whether the task had a label in the epoch.
        state : dict of str to tf.Tensor
            The method's state, with a leading axis M.
        constants : mapping of str to scalar tf.Tensor
            The values of ``constants()``.

        Returns
        -------
        dict of str to tf.Tensor
            The new state.
        """
        losses = tf.where(epoch_present, epoch_losses, 1.0)
        return tf.nest.map_structure(tf.stop_gradient, self.update_after_epoch(losses, epoch_present, state, constants))

    @abstractmethod
    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """Weights and new state from a cleaned signal; what a method implements.

        Parameters
        ----------
        signal : BalancingSignal
            The cleaned signal (see the class's notes).
        state : dict of str to tf.Tensor
            The method's state, with a leading axis M.
        constants : mapping of str to scalar tf.Tensor
            The values of ``constants()``.

        Returns
        -------
        weights : tf.Tensor of shape (M, K)
            Weight of each task's gradient; what stands at absent tasks is ignored.
        state : dict of str to tf.Tensor
            The new state.
        """

    def update_after_step(
        self, signal: BalancingSignal, losses_after: tf.Tensor, state: State, constants: Constants
    ) -> State:
        """State after a step; for methods with ``needs_losses_after_step``.

        Parameters
        ----------
        signal : BalancingSignal
            The cleaned signal of the step.
        losses_after : tf.Tensor of shape (M, K), float32
            Losses on the same batch after the step, 1 for absent tasks.
        state : dict of str to tf.Tensor
            The method's state, with a leading axis M.
        constants : mapping of str to scalar tf.Tensor
            The values of ``constants()``.

        Returns
        -------
        dict of str to tf.Tensor
            The new state.
        """
        del signal, losses_after, constants
        return state

    def update_after_epoch(
        self, epoch_losses: tf.Tensor, epoch_present: tf.Tensor, state: State, constants: Constants
    ) -> State:
        """State after an epoch; for methods that work epoch by epoch.

        Parameters
        ----------
        epoch_losses : tf.Tensor of shape (M, K), float32
            Mean training loss of each task over the epoch, 1 for absent tasks.
        epoch_present : tf.Tensor of shape (M, K), bool
            Whether the task had a label in the epoch.
        state : dict of str to tf.Tensor
            The method's state, with a leading axis M.
        constants : mapping of str to scalar tf.Tensor
            The values of ``constants()``.

        Returns
        -------
        dict of str to tf.Tensor
            The new state.
        """
        del epoch_losses, epoch_present, constants
        return state

    def _check_gradients_of(self) -> None:
        """Checked here rather than by constraints, so that it holds for methods of the caller's own as well."""
        name, given = type(self).__name__, self.gradients_of
        if given not in GRADIENTS_OF:
            raise ValueError(f"The 'gradients_of' parameter of {name} must be one of {GRADIENTS_OF}, got {given!r}.")
        if given != "parameters" and self.requires == "losses":
            raise ValueError(
                f"{name} reads losses, no gradients: gradients_of={given!r} would change nothing. Leave it at "
                "'parameters'."
            )

    def _check(self, signal: BalancingSignal) -> None:
        """Refuse, while tracing, a signal that lacks what the class declares to need."""
        name = type(self).__name__
        if self.requires == "gram" and signal.gram is None:
            raise ValueError(f"{name} needs the Gram matrix of the tasks' gradients, but signal.gram is None.")
        if self.requires == "norms" and signal.norms is None and signal.gram is None:
            raise ValueError(f"{name} needs the tasks' gradient norms, but signal.norms and signal.gram are None.")
        if signal.noise is None and self.noise_shape(signal.losses.shape[-1]) is not None:
            raise ValueError(f"{name} draws random numbers, but signal.noise is None.")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)
