"""Several regressions, one network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._records import Kind
from .._snapshot import on_snapshot
from ..blending._intervals import check_coverage, covering, interval_offsets_of_tasks, weighed
from ..fitting._adaptive_defaults import how_to_hold_out
from ..targets import TargetColumns
from ._availability import takes_partial_fit
from ._base import BaseMultiTask
from ._known import interval_of, mean_square, offsets_given, with_known
from ._other_names import explains_names


class MultiTaskKerasRegressor(MultiOutputMixin, RegressorMixin, BaseMultiTask):
    """Regressor for several targets that share one Keras network.

    Targets are standardised per task on their observed labels, losses count in units of a constant
    prediction's loss and are averaged over each task's observed labels, so that tasks of any scale and any
    number of labels have the same say.

    Parameters
    ----------
    architecture : str or skmtl.networks.Scheme, default="shared_bottom"
        Sharing scheme: who shares which layers. By name, with ``architecture__*`` for its options, or an
        instance of its class in ``skmtl.networks``:

        - "shared_bottom": one trunk for all tasks, one head per task (Caruana, 1997);
        - "bypass": a shared bottom, and a small network of each task's own around it (Ramsundar et al., 2017);
        - "mmoe": a mixture of shared experts, with a gate for each task (Ma et al., 2018);
        - "omoe": the same with one gate for all tasks;
        - "cgc": shared experts and each task's own, with a gate for each task (Tang et al., 2020);
        - "ple": the same in levels, one a hidden layer (Tang et al., 2020);
        - "cross_stitch": a network per task, whose layers exchange activations (Misra et al., 2016);
        - "independent": a network per task, nothing shared;
        - "low_rank": a shared bottom that each task adjusts by matrices of low rank (as Hu et al., 2022, do);
        - "task_conditioned": one network for all tasks, told by an embedding which task is meant (as Perez
          et al., 2018, condition theirs).
    hidden_layer_sizes : int or sequence of int, default=(128, 64)
        Widths of the shared layers; of each expert's or each task's own, where the scheme has such.
    head_layer_sizes : int or sequence of int, default=()
        Widths of the hidden layers that each task has to itself; none means linear heads.
    activation : str, default="auto"
        Activation of all hidden layers: any name Keras knows, or scikit-learn's "logistic" and "identity".
    dropout : float or "auto", default="auto"
        Fraction of a hidden layer's outputs left out at random in training, in [0, 1).
    model : callable, default=None
        Function that builds and returns a Keras model, instead of ``architecture``: one input, one output
        a task, in order (or a dict of outputs by task name). It gets the ``model__*`` parameters, and
        ``meta`` if it asks for it: a dict with ``n_features_in_`` (columns the network will see),
        ``task_names_``, ``task_types_``, ``output_units_`` and scikeras' other keys. Optimizer and loss
        compiled into the model count where ``optimizer`` and ``loss`` are left at their defaults.
    ensemble_size : int or "auto", default="auto"
        Number of networks trained side by side in one program; predictions are averaged. Each starts from
        its own weights and holds out its own rows. With "auto" the rule chooses, here and wherever else a parameter
        is left at "auto": see Notes. With a number, networks are plain.
    blend : "auto", "all", str, list of str or None, default="auto"
        What is averaged with the network, each weighed per task by least squares on out-of-fold predictions, with
        weights that are not negative (stacked regression; Breiman, 1996; ``blend_weights_``): "ridge", a ridge
        regression; "rbf" and "laplacian", kernel ridge regressions; "residual_network", networks on what the ridge
        regression leaves; "independent_network", networks that share nothing, so that each task leans on the shared
        trunk as far as it pays; "regression_network", the network with the weights of the epoch that is best for the
        regressions, which often is long after classes are predicted best (left out where tasks are of one kind).
        "network" is the network itself and always part of it. "all" is all but the independent one, "auto" chooses by
        the rule. Needs rows held out by members (``early_stopping``), best with ``ensemble_size`` times
        ``validation_fraction`` of 1, so that each row is held out once. A classification's parts are weighed by
        squared errors of probabilities (the Brier score). Kinds that are named are refused where no rows are held out
        of X (X_val, ``early_stopping=False``), and with a ``loss`` or ``warm_start``. None is the network alone.
    sharing : {"shared", "auto"}, default="shared"
        Whether tasks share the trunk, or each leans on the shared network and on one of its own ("independent") as far
        as either predicts its rows held out: "auto" adds "independent_network" to ``blend``, where there are several
        tasks, at the cost of training it, and is refused where a named ``blend`` is, with a ``model``, with
        ``architecture="independent"`` and by ``partial_fit``. What each came to count is in ``blend_weights_``.
    covariate_shift : {"auto", "ignore"}, default="auto"
        What becomes of rows that lie further from the training rows than these from each other, as later times or
        other groups do. With "auto", where rows next to each other in X are more alike than others, a second blend is
        fitted and weighed by eight blocks of rows left out, and every row is predicted by both: the second counts as
        much as it is probable that the row is from another time or group (:meth:`shift_probability`). It has the
        networks, the ridge and the kernel regressions of ``blend``, no other parts, and costs a second training. Only
        from 160 rows on, with "rbf" or "laplacian" in ``blend``, where no block has most of the labels of a task or
        class, and without ``validation_split``, which says how rows are held out. "ignore" never does.
    oob_score : bool, default=False
        Whether to predict the training rows by the members that held them out: ``oob_prediction_`` and
        ``oob_score_``, which a blend gives in any case.
    optimizer : str, class or keras.optimizers.Optimizer, default="adam"
        Any Keras optimizer; ``optimizer__*`` are its arguments.
    learning_rate : float, "auto" or None, default="auto"
        Step size; None is the optimizer's own. A number here costs no new compilation, a schedule in
        ``optimizer`` does.
    learning_rate_schedule : {"constant", "cosine", "auto"}, default="auto"
        Whether the learning rate stays, or falls to 0 along half a cosine in the ``epochs`` (Loshchilov and Hutter,
        2017, without restarts). It costs no new compilation.
    weight_decay : float, "auto" or None, default="auto"
        Decoupled weight decay (Loshchilov and Hutter, 2019), on kernels, not on biases; None is the
        optimizer's own (which Keras applies to all variables).
    loss : str, class, keras.losses.Loss, callable, or list or dict of them, default=None
        Any Keras loss, for all tasks, per task by position, or by name. A function takes (y_true, y_pred)
        and returns one value per row. None is the squared error of a regression, the cross-entropy of a
        classification. Losses see standardised targets, except Poisson, MSLE and MAPE, which see the
        caller's units, and positive predictions.
    loss_weights : array-like or dict of float, default=None
        Weights of the tasks in the mean of their losses, by position or name; only their ratios count.
    balancing : str or skmtl.balancing.Balancing, default="equal"
        How the tasks' losses or gradients become one update. With fixed weights: "equal", "static" (needs
        ``loss_weights``). On losses: "uncertainty", "uw_so", "log", "dwa", "famo", "stch", "random". On
        gradients of the shared layers: "gradnorm", "pcgrad", "gradvac", "mgda", "cagrad", "imtl_g", "nash",
        "aligned", "upgrad"; these cost a backward pass for each task, or a single one with
        ``balancing__gradients_of="representation"`` where all tasks' heads see one representation.
        ``balancing__*`` are the method's parameters, which its class in :mod:`skmtl.balancing` describes; numbers
        cost no new compilation.
        ``loss_weights`` count under every method. What early stopping judges by is the weighted mean.
    epochs : int or "auto", default="auto"
        Passes over the training rows (at most, with early stopping).
    batch_size : int or "auto", default="auto"
        Rows a step; "auto" is a 32nd of the rows, rounded to a power of 2, from 32 to 256.
    shuffle : bool, default=True
        Whether every epoch has its own order of rows.
    task_sampling : float, default=None
        For tasks that have labels in rows of their own: how often rows are drawn, from 0 (all tasks equally
        often) to 1 (every row once an epoch). A row's chances are proportional to ``n ** (task_sampling - 1)``,
        where n counts the labels of the rarest task it has; every batch gets rows of every task where there
        are enough. What is minimised stays the mean over each task's labels. None shuffles all rows alike.
    early_stopping : bool or "auto", default="auto"
        Whether each member keeps the weights of its best epoch on rows held out, and stops when it has not
        improved for ``n_iter_no_change`` epochs. "auto" does where validation rows are passed, or from
        50 rows on (30 with several networks).
    validation_fraction : float or "auto", default="auto"
        Part of the rows that each member holds out, in (0, 1).
    validation_split : int, splitter, iterable or None, default=None
        How to hold rows out instead of at random, where they come in groups or in time: a splitter of scikit-learn's,
        with ``groups`` passed to ``fit`` if it wants them, a number of blocks, or pairs of rows to train on and to hold
        out: positions in X, or masks, without a row in both. Each member takes the next split. A splitter sees the
        labels as numbers, classes as their codes.
    n_iter_no_change : int or "auto", default="auto"
        Epochs without improvement after which a member stops.
    tol : float, default=1e-4
        What counts as an improvement of the validation loss, whose unit is the loss of a constant.
    callbacks : keras.callbacks.Callback, class, or list or dict of them, default=None
        Keras callbacks; ``callbacks__*`` are arguments of classes. Copies are used, so that instances stay
        as they are. One that acts on batches makes training run step by step. Those of
        scikit-learn go to ``set_callbacks``.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last fit, with its scalings.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, shuffling, held-out rows and dropout. The same seed gives the same bits;
        no global generator is touched, but for Python's and numpy's while ``model`` is called, which are
        put back.
    verbose : int, default=0
        1 shows one line of progress with the epoch and the losses of training and validation: drawn over in
        a terminal or notebook, a new line now and then in a log. 2 prints a line an epoch.
    jit_compile : bool or "auto", default="auto"
        Whether to compile with XLA; "auto" does where the fit is long enough to earn it back.
    scale_inputs : bool, "auto", "standard" or "robust", default="auto"
        How to scale the numeric columns of X: "standard" (as True) to mean 0 and deviation 1, "robust" to
        median 0 and interquartile range 1 with smooth clipping to (-3, 3) (Holzmueller et al., 2024), or not
        at all (False). "auto" is "standard", but False for ``model``.
    scale_targets : bool or "auto", default="auto"
        Whether to standardise regression targets while training (predictions are in the caller's units
        all the same); "auto" does, but not for a ``model`` with heads that end in an activation.
    categorical_features : "from_dtype", array-like of str, int or bool, or None, default="from_dtype"
        Columns of X that are categories: by their dtype (strings, objects that are strings, pandas' and polars'
        categorical dtypes; booleans are 0 and 1), by name, by position, as a mask, or none. Levels that ``fit``
        did not see, and missing ones where it saw none, are zeros, or share a level with those that a single
        row had.
    one_hot_max_size : int, default=12
        Categorical columns of so many levels at most become one-hot columns, those of more embeddings of 8
        numbers. With ``model`` all are one-hot. Their number is rounded up with columns of zeros, so that folds
        share a program.
    numeric_embedding : {"auto", "piecewise_linear", "periodic"}, NumericEmbedding or None, default="auto"
        How each numeric column becomes several numbers before the first layer, by name, with
        ``numeric_embedding__*`` for its options, or an instance of :class:`skmtl.networks.PiecewiseLinear` or
        :class:`skmtl.networks.Periodic` (Gorishniy et al., 2022). None leaves columns as they are.
    dtype : {"float32", "float64"}, default="float32"
        Precision of training. float64 is slower; with it, one batch of all rows and ``shuffle=False``,
        ``sample_weight=2`` is the same as a row twice, to the last digits.
    **routed : dict
        Parameters of ``model``, ``optimizer``, ``architecture``, ``balancing``, ``callbacks`` and
        ``numeric_embedding``, as ``optimizer__clipnorm=1.0``.

    Attributes
    ----------
    model_ : keras.Model
        The network from X to predictions, built anew at every access: ``summary()``, ``save()`` and Keras'
        own tools work on it. It takes numbers: :meth:`model_input` gives those of an X with categories.
    history_ : dict of str to list of float
        Per epoch: "loss" and "<task>_loss", and "val_loss" and "val_<task>_loss" where rows were held out,
        averaged over members. A loss of 1 is that of a constant prediction. But for "equal" and "static"
        balancing also "<task>_weight", the task's mean weight in the steps with labels of it, and for
        balancing on gradients "gradient_cosine", averaged over steps and pairs of tasks, of the gradients that
        the method reads.
    member_history_ : dict of str to ndarray of shape (n_iter_, ensemble_size)
        The same before averaging, one column per member. A member that has stopped is trained along until
        the last one of its group has.
    gradient_cosines_ : ndarray of shape (n_iter_, n_tasks, n_tasks)
        Mean cosine of every two tasks' gradients over the shared parameters, per epoch; there for balancing on
        gradients. With ``balancing__gradients_of="representation"``, of their gradients at the representation.
    gradient_conflicts_ : ndarray of shape (n_iter_, n_tasks, n_tasks)
        Share of an epoch's steps in which the cosine was negative; there for balancing on gradients.
    blend_weights_ : DataFrame of shape (n_parts, n_tasks)
        Weight of each part of the blend for each task; there with ``blend``.
    shifted_blend_weights_ : DataFrame of shape (n_parts, n_tasks)
        The same of the blend for rows far from the training rows; there where ``covariate_shift`` led to one.
    oob_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_tasks), or list of ndarray
        Out-of-fold predictions of the training rows, NaN for a row that nobody held out; class probabilities, an
        array a task, where there are classifications. There with ``oob_score`` or ``blend``.
    oob_score_ : Series
        Task name to the score (R2, accuracy) of the out-of-fold predictions.
    oob_residuals_ : ndarray of shape (n_samples,) or (n_samples, n_tasks)
        Label minus out-of-fold prediction of a regression, else NaN.
    n_iter_ : int
        Number of epochs, as many as ``history_`` has entries: with ``warm_start`` and ``partial_fit`` those of earlier
        calls count too (scikit-learn's networks count the last call alone).
    best_epoch_ : int or ndarray of shape (ensemble_size,)
        Epoch whose weights were kept, counted from 1.
    stop_reason_ : str
        Why training ended.
    task_names_ : list of str
        Names of the tasks: y's columns, else y0, y1, …
    n_tasks_ : int
        Number of tasks.
    categories_ : dict of str or int to ndarray
        Levels of each categorical column, by its name (its position, where X has no names); a level's position is
        its code in what :meth:`model_input` gives. Empty where no column is categorical.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it had names.

    See Also
    --------
    MultiTaskKerasClassifier : The same for classes.
    MultiTaskKerasEstimator : Regressions and classifications in one network.

    Notes
    -----
    The rule, with ``ensemble_size="auto"`` and from 20 rows on, for each parameter left at "auto": 8 networks (6 from
    10,000 rows on, 4 from 20,000, 3 from 30,000, 2 from 60,000), each holding out an eighth of the rows; ``blend`` of
    the networks, a ridge regression and two kernel regressions (without X_val, a ``loss``, or
    ``early_stopping=False``); 80 epochs, from 5,000 rows on falling with the square root of their number, 15 at least,
    and a patience of a quarter of them; learning rate 0.003 along a cosine and weight decay 0.03 (the optimizer's own
    where ``optimizer`` is given); mish, dropout 0.1; robust scaling; and piecewise-linear embeddings of 8 numbers a
    column, 4 with more than 16 numeric columns, none with more than 100 or sparse ones.

    Otherwise networks are plain: one, without blend; 100 epochs, a tenth of the rows held out, a patience of 10; the
    optimizer's own learning rate, constant, and decay; relu, no dropout, standard scaling, no embeddings. So it is with
    a number for ``ensemble_size``, a ``model`` of the caller's, ``warm_start``, in ``partial_fit``, and below 20 rows.

    References
    ----------
    R. Caruana (1997), "Multitask Learning", Machine Learning 28.

    Y. Gorishniy, I. Rubachev, A. Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS.

    D. Holzmueller, L. Grinsztajn, I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted
    Trees on Tabular Data", NeurIPS.

    A. Radhakrishnan, D. Beaglehole, P. Pandit, M. Belkin (2024), "Mechanism for Feature Learning in Neural Networks
    and Backpropagation-Free Machine Learning Models", Science 383.

    I. Loshchilov and F. Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR.

    I. Loshchilov and F. Hutter (2019), "Decoupled Weight Decay Regularization", ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskKerasRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] + X[:, 1], X[:, 0] - X[:, 2]])
    >>> y[::3, 1] = np.nan  # labels that are not known
    >>> model = MultiTaskKerasRegressor(hidden_layer_sizes=32, learning_rate=0.01, random_state=0)
    >>> model.fit(X, y).score(X, y) > 0.9
    True
    >>> list(model.score_tasks(X, y).index)
    ['y0', 'y1']
    """

    def __init__(
        self,
        *,
        architecture: Any = "shared_bottom",
        hidden_layer_sizes: Any = (128, 64),
        head_layer_sizes: Any = (),
        activation: str = "auto",
        dropout: float | str = "auto",
        model: Any = None,
        ensemble_size: int | str = "auto",
        blend: Any = "auto",
        sharing: str = "shared",
        covariate_shift: str = "auto",
        oob_score: bool = False,
        optimizer: Any = "adam",
        learning_rate: float | str | None = "auto",
        learning_rate_schedule: str = "auto",
        weight_decay: float | str | None = "auto",
        loss: Any = None,
        loss_weights: Any = None,
        balancing: Any = "equal",
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        shuffle: bool = True,
        task_sampling: float | None = None,
        early_stopping: bool | str = "auto",
        validation_fraction: float | str = "auto",
        validation_split: Any = None,
        n_iter_no_change: int | str = "auto",
        tol: float = 1e-4,
        callbacks: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        jit_compile: bool | str = "auto",
        scale_inputs: bool | str = "auto",
        scale_targets: bool | str = "auto",
        categorical_features: Any = "from_dtype",
        one_hot_max_size: int = 12,
        numeric_embedding: Any = "auto",
        dtype: str = "float32",
        **routed: Any,
    ) -> None:
        super().__init__(
            architecture=architecture,
            hidden_layer_sizes=hidden_layer_sizes,
            head_layer_sizes=head_layer_sizes,
            activation=activation,
            dropout=dropout,
            model=model,
            ensemble_size=ensemble_size,
            blend=blend,
            sharing=sharing,
            covariate_shift=covariate_shift,
            oob_score=oob_score,
            optimizer=optimizer,
            learning_rate=learning_rate,
            learning_rate_schedule=learning_rate_schedule,
            weight_decay=weight_decay,
            loss=loss,
            loss_weights=loss_weights,
            balancing=balancing,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            task_sampling=task_sampling,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            validation_split=validation_split,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            callbacks=callbacks,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
            jit_compile=jit_compile,
            scale_inputs=scale_inputs,
            scale_targets=scale_targets,
            categorical_features=categorical_features,
            one_hot_max_size=one_hot_max_size,
            numeric_embedding=numeric_embedding,
            dtype=dtype,
            routed=routed,
        )

    @available_if(takes_partial_fit)
    @explains_names
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MultiTaskKerasRegressor:
        """Train one epoch more, on the given rows.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            Targets; NaN, None or pandas.NA for labels that are not known.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of the single labels.

        Returns
        -------
        self : MultiTaskKerasRegressor
            The fitted estimator. The first call fixes how features are scaled. A task is scaled by its first labels;
            before, its predictions are NaN. If most of its later labels lie far outside, it gets another scale, which
            changes no prediction. A chunk without any label changes nothing.
        """
        self._validate_params()
        return self._partial_fit(X, y, None, sample_weight)

    @on_snapshot
    def predict(self, X: Any, return_std: bool = False, *, known: Any = None) -> Any:
        """Predict all tasks.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        return_std : bool, default=False
            Whether to give the standard deviation of the prediction's error too. Its square is the variance among
            the members, where there are several, and that of the noise: the mean squared out-of-fold residual,
            less the mean variance among the members. Needs ``oob_score`` or ``blend``.
        known : {array-like, DataFrame} of shape (n_samples, n_tasks), default=None
            Labels that are known already, as y in ``fit``; NaN, None or pandas.NA for what is asked. A table by names
            may leave columns out. Known labels are given back as they are.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            Predictions, one column a task; 1-D where y was 1-D in ``fit``.
        std : ndarray of the same shape
            Standard deviations, in the tasks' units; with ``return_std`` only.

        Raises
        ------
        AttributeError
            With ``return_std`` or ``known``, where ``fit`` made no out-of-fold predictions.

        Notes
        -----
        With ``known`` the out-of-fold errors of all tasks count as one Gaussian: a prediction moves by what the
        errors of the known labels let expect, a classification by Bayes' rule. Correlations are shrunk, as far as
        rows left out say for each task (after Ledoit and Wolf, 2004), down to none at all where they do not clearly
        gain. Rows with nothing known get the same bits as without.
        """
        if not return_std:
            return super().predict(X, known=known)
        if known is not None:
            return self._predicted_with_std(X, known)
        noise = _noise(self._known_residuals("predict(return_std=True)"), self._member_variance)
        shifted = self._known_shifted_residuals()
        shifted = None if shifted is None else _noise(shifted, self._shifted_member_variance)
        rows, probability = self._rows_and_shift(X)
        predicted = self._predictions(self._quantities_of(rows, probability))
        total = np.sqrt(self._member_variances_of(rows, probability) + weighed(noise, shifted, probability))
        return predicted, total.reshape(np.shape(predicted))

    @on_snapshot
    def predict_interval(self, X: Any, coverage: float = 0.9, *, known: Any = None) -> np.ndarray:
        """Intervals that hold a label with a given probability.

        Conformal prediction from the out-of-fold residuals (Vovk et al., 2005; after CV+ of Barber et al., 2021,
        but around the prediction of all members together): of every 100 rows like those of ``fit``, about
        ``100 * coverage`` labels lie inside. Rows that differ from these, as later times do, have no such promise;
        where ``covariate_shift`` led to a blend for them, residuals of blocks of rows left out widen theirs, wholly
        from a ``shift_probability`` of 0.25 on.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        coverage : float, default=0.9
            Probability, in (0, 1).
        known : {array-like, DataFrame} of shape (n_samples, n_tasks), default=None
            Labels that are known already, see ``predict``: intervals are those of the errors that these leave, and of
            no width for the known labels themselves.

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_tasks, 2)
            Lower and upper ends, in the tasks' units; infinite where there are too few residuals for the coverage.

        Raises
        ------
        AttributeError
            Where ``fit`` made no out-of-fold predictions (``oob_score=True`` or ``blend`` does).
        ValueError
            For a coverage outside (0, 1).
        """
        check_is_fitted(self)
        check_coverage(coverage)
        residuals = self._known_residuals("predict_interval")
        rows, probability = self._rows_and_shift(X)
        if known is not None:
            predicted, offsets = self._given(rows, probability, known, interval_of(coverage), covering, 2)
            return np.asarray(predicted, dtype=np.float64)[..., None] + offsets.reshape(*predicted.shape, 2)
        predicted = np.asarray(self._predictions(self._quantities_of(rows, probability)), dtype=np.float64)
        shifted = self._known_shifted_residuals()
        in_distribution = interval_offsets_of_tasks(residuals, coverage)
        shifted = None if shifted is None else interval_offsets_of_tasks(shifted, coverage)
        if shifted is not None:
            # Few labels in the blocks that members hold out say nothing of so high a coverage.
            shifted = np.where(np.isinf(shifted), in_distribution, shifted)
        offsets = covering(in_distribution, shifted, probability)
        return predicted[..., None] + offsets.reshape(*predicted.shape, 2)

    def _predicted_with_std(self, X: Any, known: Any) -> tuple[np.ndarray, np.ndarray]:
        """Predictions and standard deviations of the errors that known labels leave."""
        self._known_residuals("predict(return_std=True)")
        predicted, squares = self._given(*self._rows_and_shift(X), known, mean_square, weighed, 1)
        return predicted, np.sqrt(squares).reshape(predicted.shape)

    def _given(
        self,
        rows: Any,
        probability: np.ndarray,
        known: Any,
        spread: Callable[[np.ndarray], np.ndarray],
        weigh: Callable[..., np.ndarray],
        size: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Predictions given known labels, and what ``spread`` says of the errors left, near and far ``weigh``ed."""
        model, labels = self._known(known, rows)
        quantities = with_known(model, self._quantities_of(rows, probability), probability, labels)
        return self._predictions(quantities), offsets_given(model, probability, labels, spread, weigh, size)

    def _known_residuals(self, what: str) -> np.ndarray:
        """Out-of-fold residuals (n_samples, n_tasks)."""
        check_is_fitted(self)
        if not hasattr(self, "oob_residuals_"):
            raise AttributeError(f"{what} needs out-of-fold residuals: {how_to_hold_out(self.network_.n_rows)}")
        return self.oob_residuals_.reshape(len(self.oob_residuals_), -1)

    def _known_shifted_residuals(self) -> np.ndarray | None:
        """Residuals of blocks of rows left out, (n_samples, n_tasks); None without a blend for far rows."""
        return getattr(self, "_shifted_residuals", None)

    # RegressorMixin has a score of its own, which knows no missing labels.
    score = BaseMultiTask.score

    def _kinds(self, columns: TargetColumns) -> Sequence[Kind]:
        return ["regression"] * len(columns.names)


def _noise(residuals: np.ndarray, member_variance: np.ndarray) -> np.ndarray:
    """Mean squared residual of each task, less the variance among members, which is added row by row."""
    return np.maximum(np.nanmean(residuals**2, axis=0) - member_variance, 0.0)
