"""Base class of the balancing methods."""

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
    """Base class of balancing methods, which turn the tasks' losses or gradients into one update.

    A method returns one weight per task, computed from the losses or from the Gram matrix of the tasks'
    gradients. The engine then moves the shared parameters along ``sum_k w_k g_k``, where ``g_k`` is the gradient
    of the unweighted loss ``L_k``. Every tensor has a leading axis of ``M`` members: networks that are trained
    together and must not influence each other.

    The engine calls ``constants`` and ``initial_state`` once, outside the compiled program. Inside it, it calls
    ``task_weights`` at every step, ``after_step`` after every step if ``needs_losses_after_step`` is true, and
    ``epoch_end`` after every epoch. A task's own parameters move along their gradient times ``w_k`` if
    ``weighs_heads`` is true, and times ``loss_weights_k`` otherwise.

    Attributes
    ----------
    requires : {"losses", "norms", "gram"}
        Input of the method. "losses" costs one backward pass per step; the cost of the others depends on
        ``gradients_of``.
    gradients_of : {"parameters", "representation"}
        What the gradients are taken with respect to, for methods that use gradients (see Notes). The built-in
        methods take it as a constructor parameter; your own may do the same or fix it as a class attribute.
    weighs_heads : bool
        Whether the weights also scale the gradients of the tasks' own parameters.
    needs_losses_after_step : bool
        Whether the engine evaluates the same batch again after the step and calls ``after_step``.
    needs_loss_weights : bool
        Whether the method is meaningless without the user's ``loss_weights``.

    Notes
    -----
    *Adding a method.* Subclass `Balancing`, set the class attributes above and implement ``decide``. Give the
    constructor explicit keyword parameters and store them under their own names, as scikit-learn's estimators do,
    so that ``get_params``, ``clone`` and grid searches work. Put bounds of the parameters into
    ``_parameter_constraints`` (scikit-learn's). If the method has a state, return its initial values, without the
    member axis, from ``initial_state``, and new values from ``decide``, ``update_after_step`` or
    ``update_after_epoch``. Keys, shapes and dtypes must stay the same.

    These functions are compiled into the training loop, both as a graph and by XLA. Use only TensorFlow operations
    of static shape in them: no variables, no ``py_function``, no ``tf.random``, and no Python branch on a tensor's
    value. Random numbers come from ``signal.noise``; request them with ``noise_shape``. Numeric parameters arrive
    as scalar tensors in ``constants``. Never read them from ``self``, or every value compiles its own program. All
    other parameters (strings, booleans, None) are part of the program's structure and are read from ``self``.

    *Absent tasks.* The signal that ``decide`` gets is cleaned: ``present`` is false for tasks with zero loss
    weight, ``loss_weights`` has shape (M, K) and is zero for absent tasks, and losses, norms and Gram entries of
    absent tasks are replaced by 1, 0 and 0, so that a NaN there has no effect. Weights returned for absent tasks
    are replaced by zero, and no gradient flows through the weights. Non-finite values of present tasks are not
    hidden: they appear in the weights of their member, and only there.

    *Gradients.* With ``gradients_of="parameters"``, gradients are taken over all shared parameters, which costs one
    backward pass through the shared layers per task. With "representation", they are taken at the output z of the
    last shared layer: one number for each row of the batch and unit of z. This differentiates only the heads per
    task; the shared layers are then differentiated once, starting from the weighted sum of these gradients. It is
    the idea of MGDA-UB [1]_ (section 3.3), available here for every method that uses gradients. Both variants
    update along a weighted sum of the tasks' gradients over the shared parameters; only the weights differ. The
    norm of a weighted sum at z, times the norm of z's Jacobian, is an upper bound on the sum's norm over the
    parameters. But gradients that conflict at z need not conflict over the parameters, or vice versa, so a method's
    guarantees hold at z only. Recorded cosines are those of the gradients that the method uses. The network must
    have a single z that all tasks share, with all shared layers below it and the tasks' own layers above.
    "shared_bottom" and "omoe" have one; other networks raise an error.

    *Scale.* Weights computed from losses sum to the sum of ``loss_weights`` over the present tasks (the number of
    tasks if the user gave no loss weights), so a step is as long as with equal weights. Each gradient method
    documents its own scale.

    References
    ----------
    .. [1] O. Sener, V. Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018.

    Examples
    --------
    A method that gives more weight to tasks with a larger loss, with an exponent that can be tuned:

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
        """Check the parameters and return the numeric ones, which are inputs to the compiled program.

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
        """Return the cache key of the compiled program: the class and the non-numeric parameters.

        Returns
        -------
        tuple
            Hashable; equal for two instances that differ only in numeric parameters.
        """
        params = self.get_params(deep=False)
        return (
            type(self),
            *((name, params[name]) for name in sorted(params) if not _is_number(params[name])),
        )

    def noise_shape(self, n_tasks: int) -> tuple[int, ...] | None:
        """Return the shape, per member, of the random numbers that ``decide`` uses; None if it uses none.

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
        """Return one member's state before the first step; the engine adds the leading axis M.

        Parameters
        ----------
        n_tasks : int
            Number of tasks.

        Returns
        -------
        dict of str to ndarray
            Empty for methods without a state.
        """
        del n_tasks
        return {}

    @tf.autograph.experimental.do_not_convert
    def task_weights(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """Return the weights of one step. Called by the engine; methods implement ``decide``.

        Parameters
        ----------
        signal : BalancingSignal
            The engine's measurements at this step.
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
            The signal lacks an input that the method requires.
        """
        self._check(signal)
        signal = clean(signal)
        weights, state = self.decide(signal, state, constants)
        weights = tf.where(signal.present, tf.cast(weights, tf.float32), 0.0)
        return tf.stop_gradient(weights), tf.nest.map_structure(tf.stop_gradient, state)

    @tf.autograph.experimental.do_not_convert
    def after_step(self, signal: BalancingSignal, losses_after: tf.Tensor, state: State, constants: Constants) -> State:
        """Update the state after a step. Called by the engine; methods implement ``update_after_step``.

        Parameters
        ----------
        signal : BalancingSignal
            The signal passed to ``task_weights`` at this step.
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
        """Update the state after an epoch. Called by the engine; methods implement ``update_after_epoch``.

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
        """Return the weights and the new state for a cleaned signal. Every method implements this.

        Parameters
        ----------
        signal : BalancingSignal
            The cleaned signal (see the Notes of the class).
        state : dict of str to tf.Tensor
            The method's state, with a leading axis M.
        constants : mapping of str to scalar tf.Tensor
            The values of ``constants()``.

        Returns
        -------
        weights : tf.Tensor of shape (M, K)
            Weight of each task's gradient; the values of absent tasks are ignored.
        state : dict of str to tf.Tensor
            The new state.
        """

    def update_after_step(
        self, signal: BalancingSignal, losses_after: tf.Tensor, state: State, constants: Constants
    ) -> State:
        """Return the state after a step, for methods with ``needs_losses_after_step``.

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
        """Return the state after an epoch, for methods that adapt once per epoch.

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
        """Check ``gradients_of`` here rather than by constraints, so that user-defined methods are checked too."""
        name, given = type(self).__name__, self.gradients_of
        if given not in GRADIENTS_OF:
            raise ValueError(f"The 'gradients_of' parameter of {name} must be one of {GRADIENTS_OF}, got {given!r}.")
        if given != "parameters" and self.requires == "losses":
            raise ValueError(
                f"{name} uses losses, not gradients: gradients_of={given!r} would have no effect. Leave it at "
                "'parameters'."
            )

    def _check(self, signal: BalancingSignal) -> None:
        """Raise, during tracing, if the signal lacks an input that the class requires."""
        name = type(self).__name__
        if self.requires == "gram" and signal.gram is None:
            raise ValueError(f"{name} needs the Gram matrix of the tasks' gradients, but signal.gram is None.")
        if self.requires == "norms" and signal.norms is None and signal.gram is None:
            raise ValueError(f"{name} needs the tasks' gradient norms, but signal.norms and signal.gram are None.")
        if signal.noise is None and self.noise_shape(signal.losses.shape[-1]) is not None:
            raise ValueError(f"{name} draws random numbers, but signal.noise is None.")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)
