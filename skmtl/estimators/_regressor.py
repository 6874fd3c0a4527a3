"""Regressor for several targets that share one network."""

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

    By default, the tasks share all hidden layers, and each has a linear head of its own. Targets are standardised per
    task on their observed labels. Each task's loss is averaged over its observed labels and divided by the loss of a
    constant prediction, so tasks of any scale and with any number of labels count equally.

    Parameters left at "auto" adapt to the data. By default, ``fit`` trains 2 to 8 networks, depending on the number of
    rows, and averages them with a ridge regression and two kernel ridge regressions, with weights fitted on held-out
    rows. Setting ``ensemble_size`` to a number turns these adaptive defaults off and trains plain networks. The Notes
    list all values.

    Five parameters to know first:

    - ``random_state``: set it to an int to get the same result every time.
    - ``ensemble_size``: set it to 1 for a quick plain network; "auto" is usually more accurate.
    - ``hidden_layer_sizes``: make layers wider or add some if sharing hurts some tasks.
    - ``learning_rate``: tune it first in a plain network, for example from 0.001 to 0.01.
    - ``validation_split``: set it if rows come in groups or in time.

    Parameters
    ----------
    architecture : str or skmtl.networks.Scheme, default="shared_bottom"
        Sharing scheme: which layers the tasks share. Pass a name, with ``architecture__*`` for its options, or an
        instance of a class from ``skmtl.networks``:

        - "shared_bottom": one trunk for all tasks, one head per task (Caruana, 1997);
        - "bypass": a shared bottom, plus a small private network per task beside it (Ramsundar et al., 2017);
        - "mmoe": shared experts, mixed by one gate per task (Ma et al., 2018);
        - "omoe": shared experts, mixed by one gate for all tasks;
        - "cgc": shared and private experts, mixed by one gate per task (Tang et al., 2020);
        - "ple": several levels of "cgc", one per hidden layer (Tang et al., 2020);
        - "cross_stitch": one network per task, whose layers exchange activations (Misra et al., 2016);
        - "independent": one network per task, nothing shared;
        - "low_rank": a shared bottom that each task adjusts by low-rank matrices (as in Hu et al., 2022);
        - "task_conditioned": one network for all tasks, conditioned on an embedding of the task (as in Perez et al.,
          2018).
    hidden_layer_sizes : int or sequence of int, default=(128, 64)
        Widths of the shared layers or, in schemes with several networks, of each expert's or each task's layers.
    head_layer_sizes : int or sequence of int, default=()
        Widths of the hidden layers that each task has to itself. Without any, heads are linear.
    activation : str, default="auto"
        Activation of all hidden layers: any name that Keras knows, or scikit-learn's "logistic" and "identity". "auto"
        is "mish" with the adaptive defaults, else "relu".
    dropout : float or "auto", default="auto"
        Fraction of the outputs of each hidden layer that is dropped at random during training, in [0, 1). "auto" is 0.1
        with the adaptive defaults, else 0.
    model : callable, default=None
        Function that builds and returns your own Keras model, instead of ``architecture``. The model has one input and
        one output per task, in order (or a dict of outputs by task name). The function receives the ``model__*``
        parameters and, if it has an argument ``meta``, a dict with ``n_features_in_`` (number of columns that the
        network sees), ``task_names_``, ``task_types_``, ``output_units_`` and scikeras' other keys. The optimizer and
        loss that the model was compiled with are used if ``optimizer`` and ``loss`` are left at their defaults.
    ensemble_size : int or "auto", default="auto"
        Number of networks trained together in one program; their predictions are averaged. Each has its own initial
        weights and its own held-out rows. "auto" chooses 2 to 8 by the number of rows and turns on the adaptive
        defaults (see Notes). With a number, "auto" in all other parameters means the values of a plain network.
    blend : "auto", "all", str, list of str or None, default="auto"
        Models to average with the network. Their non-negative weights are fitted per task by least squares on
        out-of-fold predictions (stacked regression; Breiman, 1996) and shown in ``blend_weights_``. "auto" follows the
        adaptive defaults, None is the network alone, and "all" is everything below but "independent_network". A list
        names the parts, always with "network":

        - "network": the network itself;
        - "ridge": a ridge regression;
        - "rbf", "laplacian": kernel ridge regressions;
        - "residual_network": networks trained on the residuals of the ridge regression;
        - "independent_network": networks that share nothing, so each task uses the shared trunk only as far as it
          helps;
        - "regression_network": the network at the epoch that is best for the regressions, often long after the best
          epoch for the classifications (left out if all tasks are of one kind).

        A blend needs rows that members hold out (``early_stopping``). It works best if ``ensemble_size`` times
        ``validation_fraction`` is 1, so that each row is held out once. For classifications, errors of probabilities
        are divided by their estimated variance, which keeps the log loss small. A blend that you ask for is refused if
        no rows of X are held out (X_val, ``early_stopping=False``), and with a ``loss`` or ``warm_start``.
    sharing : {"shared", "auto"}, default="shared"
        Whether each task may also rely on a network of its own. "shared" trains the shared network alone. If there are
        several tasks, "auto" adds "independent_network" to ``blend``: each task weighs the shared and the independent
        network by how well they predict its held-out rows (see ``blend_weights_``), at the cost of training both.
        "auto" is refused if a ``blend`` that you ask for would be, with a ``model``, with
        ``architecture="independent"`` and by ``partial_fit``.
    covariate_shift : {"auto", "ignore"}, default="auto"
        How to predict shifted rows, which lie further from the training rows than these do from each other, such as
        later times or other groups. With "auto", if neighbouring rows of X are more alike than others, ``fit`` adds a
        second blend, weighed on eight blocks of rows left out. Predictions average both blends by the probability that
        a row is from another time or group (:meth:`shift_probability`). The second blend consists of the networks, the
        ridge and the kernel ridge regressions of ``blend``, and costs a second training. It needs 160 rows, "rbf" or
        "laplacian" in ``blend``, no block with most of the labels of a task or class, and no ``validation_split``,
        which already says how to hold rows out. "ignore" never fits it.
    oob_score : bool, default=False
        Whether to predict each training row by the members that held it out, for ``oob_prediction_`` and
        ``oob_score_``. A blend always does.
    optimizer : str, class or keras.optimizers.Optimizer, default="adam"
        Any Keras optimizer. Set its arguments as ``optimizer__*``.
    learning_rate : float, "auto" or None, default="auto"
        Step size. None is the optimizer's own; "auto" is 0.003 with the adaptive defaults, else the optimizer's own. A
        new number costs no new compilation; a schedule passed as part of ``optimizer`` does.
    learning_rate_schedule : {"constant", "cosine", "auto"}, default="auto"
        "constant" keeps the learning rate; "cosine" decreases it to 0 along half a cosine over ``epochs`` (Loshchilov
        and Hutter, 2017, without restarts). "auto" is "cosine" with the adaptive defaults, else "constant". It costs no
        new compilation.
    weight_decay : float, "auto" or None, default="auto"
        Decoupled weight decay (Loshchilov and Hutter, 2019) of kernels, not of biases. None is the optimizer's own,
        which Keras applies to all variables; "auto" is 0.03 with the adaptive defaults, else the optimizer's own.
    loss : str, class, keras.losses.Loss, callable, or list or dict of them, default=None
        Any Keras loss: one for all tasks, a list with one per task, or a dict by task name. A function takes (y_true,
        y_pred) and returns one value per row. None is the squared error for regressions and the cross-entropy for
        classifications. Losses see standardised targets, except Poisson, MSLE and MAPE, which see the original units
        and positive predictions.
    loss_weights : array-like or dict of float, default=None
        Weights of the tasks in the mean of their losses, by position or name. Only their ratios count. Raise the weight
        of a task that matters more than others.
    balancing : str or skmtl.balancing.Balancing, default="equal"
        How to combine the tasks' losses or gradients into one update. Try another method if one task dominates
        training. With fixed weights: "equal", "static" (needs ``loss_weights``). On losses: "uncertainty", "uw_so",
        "log", "dwa", "famo", "stch", "random". On gradients of the shared layers: "gradnorm", "pcgrad", "gradvac",
        "mgda", "cagrad", "imtl_g", "nash", "aligned", "upgrad". Methods on gradients cost one backward pass per task,
        or a single one with ``balancing__gradients_of="representation"`` if all heads see one representation.
        ``balancing__*`` are the parameters of the method, described by its class in :mod:`skmtl.balancing`; new numbers
        cost no new compilation. ``loss_weights`` apply to every method. The early-stopping criterion is the weighted
        mean loss.
    epochs : int or "auto", default="auto"
        Passes over the training rows; with early stopping, an upper limit. "auto" is 80 with the adaptive defaults
        (fewer from 5,000 rows), else 100.
    batch_size : int or "auto", default="auto"
        Rows per step. "auto" is one 32nd of the rows, rounded to a power of 2, from 32 to 256.
    shuffle : bool, default=True
        Whether to shuffle the rows in every epoch.
    task_sampling : float, default=None
        How often to draw rows of rare tasks, if tasks have labels in different rows: from 0 (all tasks equally often)
        to 1 (every row once per epoch). The chance of a row is proportional to ``n ** (task_sampling - 1)``, with n the
        number of labels of its rarest task. Every batch contains rows of every task if there are enough. The objective
        is still the mean over each task's labels. None shuffles all rows alike.
    early_stopping : bool or "auto", default="auto"
        Whether each member holds out rows, stops after ``n_iter_no_change`` epochs without improvement on them, and
        keeps the weights of its best epoch. "auto" does so if you pass validation rows or a ``validation_split``, or
        from 50 rows (20 with several networks).
    validation_fraction : float or "auto", default="auto"
        Fraction of the rows that each member holds out, in (0, 1). "auto" is 0.125 with the adaptive defaults, else
        0.1.
    validation_split : int, splitter, iterable or None, default=None
        How to hold rows out if they come in groups or in time; None draws them at random. Pass a scikit-learn splitter
        (and ``groups`` to ``fit`` if it needs them), a number of blocks, or pairs of training and held-out rows, as
        positions in X or as masks, with no row in both. Each member takes the next split. A splitter sees labels as
        numbers, and classes as their codes.
    n_iter_no_change : int or "auto", default="auto"
        Epochs without improvement after which a member stops. "auto" is a quarter of ``epochs``, plus one, with the
        adaptive defaults, else 10.
    tol : float, default=1e-4
        Smallest decrease of the validation loss that counts as an improvement, in units of a constant prediction's
        loss.
    callbacks : keras.callbacks.Callback, class, or list or dict of them, default=None
        Keras callbacks. Set the arguments of classes as ``callbacks__*``. Training uses copies, so your instances do
        not change. Callbacks that act on batches make training run step by step. For scikit-learn's callbacks, call
        ``set_callbacks``.
    warm_start : bool, default=False
        Whether ``fit`` continues from the weights and scalings of the last fit.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, shuffling, held-out rows and dropout. The same int gives the same results, bit for
        bit. Global generators stay as they are; Python's and numpy's are seeded while ``model`` runs, then restored.
    verbose : int, default=0
        1 shows one line of progress with the epoch and the training and validation losses. A terminal or notebook
        redraws it; a log gets a new line now and then. 2 prints a line per epoch.
    jit_compile : bool or "auto", default="auto"
        Whether to compile training with XLA. "auto" does so if the fit is long enough to gain time.
    scale_inputs : bool, "auto", "standard" or "robust", default="auto"
        How to scale the numeric columns of X. "standard" (or True): to mean 0 and standard deviation 1. "robust": to
        median 0 and interquartile range 1, with smooth clipping to (-3, 3) (Holzmueller et al., 2024). False: not at
        all. "auto" is "robust" with the adaptive defaults, False with a ``model``, else "standard".
    scale_targets : bool or "auto", default="auto"
        Whether to standardise regression targets during training. Predictions have the original units in any case.
        "auto" does so, except for heads of a ``model`` that end in an activation.
    categorical_features : "from_dtype", array-like of str, int or bool, or None, default="from_dtype"
        Which columns of X are categorical: by dtype (strings, objects that are strings, and the categorical dtypes of
        pandas and polars; booleans are 0 and 1), by name, by position, as a mask, or none. A level that ``fit`` did not
        see, or a missing value if it saw none, becomes zeros, or shares a level with those that occurred in one row.
    one_hot_max_size : int, default=12
        Categorical columns with at most this many levels become one-hot columns; others become embeddings of 8 numbers.
        With a ``model``, all are one-hot. Their number is rounded up with columns of zeros, so that folds can share a
        compiled program.
    numeric_embedding : {"auto", "piecewise_linear", "periodic"}, NumericEmbedding or None, default="auto"
        How to turn each numeric column into several numbers before the first layer: a name, with
        ``numeric_embedding__*`` for its options, or an instance of :class:`skmtl.networks.PiecewiseLinear` or
        :class:`skmtl.networks.Periodic` (Gorishniy et al., 2022). None leaves columns as they are. "auto" is
        "piecewise_linear" with the adaptive defaults and at most 100 columns, else None.
    dtype : {"float32", "float64"}, default="float32"
        Precision of training. "float64" is slower. With it, one batch of all rows and ``shuffle=False``,
        ``sample_weight=2`` equals repeating the row, to the last digits.
    **routed : dict
        Parameters of ``model``, ``optimizer``, ``architecture``, ``balancing``, ``callbacks`` and
        ``numeric_embedding``, such as ``optimizer__clipnorm=1.0``.

    Attributes
    ----------
    model_ : keras.Model
        Network from X to predictions, rebuilt at every access. ``summary()``, ``save()`` and Keras' other tools work on
        it. It takes numbers: if X has categories, pass :meth:`model_input` of X.
    history_ : dict of str to list of float
        Losses per epoch, averaged over members: "loss" and "<task>_loss" and, with held-out rows, "val_loss" and
        "val_<task>_loss". A loss of 1 is that of a constant prediction. All balancing but "equal" and "static" adds
        "<task>_weight", the mean weight of the task over steps with labels of it. Balancing on gradients adds
        "gradient_cosine", the mean cosine over steps and pairs of tasks of the gradients that the method reads.
    member_history_ : dict of str to ndarray of shape (n_iter_, ensemble_size)
        The same for each member, one per column. A member that has stopped is trained along until the last one of its
        group has stopped.
    gradient_cosines_ : ndarray of shape (n_iter_, n_tasks, n_tasks)
        Mean cosine between the gradients of two tasks over the shared parameters, per epoch, or over the representation
        with ``balancing__gradients_of="representation"``. Only with balancing on gradients.
    gradient_conflicts_ : ndarray of shape (n_iter_, n_tasks, n_tasks)
        Fraction of the steps of an epoch with a negative cosine. Only with balancing on gradients.
    blend_weights_ : DataFrame of shape (n_parts, n_tasks)
        Weight of each part of the blend for each task. Only with ``blend``.
    shifted_blend_weights_ : DataFrame of shape (n_parts, n_tasks)
        The same for the blend for shifted rows. Only if ``covariate_shift`` led to one.
    oob_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_tasks), or list of ndarray
        Out-of-fold predictions of the training rows, NaN for rows that no member held out. With classifications, class
        probabilities, one array per task. Only with ``oob_score`` or ``blend``.
    oob_score_ : Series
        Task name to score (R2, accuracy) of the out-of-fold predictions.
    oob_residuals_ : ndarray of shape (n_samples,) or (n_samples, n_tasks)
        Label minus out-of-fold prediction of a regression; NaN for a classification.
    n_iter_ : int
        Number of epochs, that is, of entries in ``history_``. With ``warm_start`` and ``partial_fit`` it includes those
        of earlier calls (scikit-learn's networks count the last call alone).
    best_epoch_ : int or ndarray of shape (ensemble_size,)
        Epoch whose weights were kept, counted from 1.
    stop_reason_ : str
        Why training ended.
    task_names_ : list of str
        Names of the tasks: the columns of y, or y0, y1, …
    n_tasks_ : int
        Number of tasks.
    categories_ : dict of str or int to ndarray
        Levels of each categorical column, by its name, or by its position if X has no names. The position of a level is
        its code in :meth:`model_input`. Empty without categorical columns.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, if it has names.

    See Also
    --------
    MultiTaskKerasClassifier : For classification targets.
    MultiTaskKerasEstimator : For regression and classification targets in one network.

    Notes
    -----
    Adaptive defaults apply with ``ensemble_size="auto"`` and at least 20 rows. Each parameter left at "auto" then
    becomes:

    - ``ensemble_size``: 8; 6 from 10,000 rows, 4 from 20,000, 3 from 30,000, 2 from 60,000;
    - ``blend``: the networks, a ridge regression and two kernel ridge regressions; the networks alone with X_val, a
      ``loss`` or ``early_stopping=False``;
    - ``epochs``: 80; from 5,000 rows, fewer with the square root of the number of rows, but at least 15;
    - ``n_iter_no_change``: a quarter of the epochs, plus one;
    - ``validation_fraction``: 1/8;
    - ``learning_rate`` and ``weight_decay``: 0.003, along a cosine, and 0.03. If you set an ``optimizer``, it keeps its
      own, constant; with Keras callbacks, the learning rate is constant;
    - ``activation``, ``dropout`` and ``scale_inputs``: "mish", 0.1 and "robust";
    - ``numeric_embedding``: piecewise-linear, 8 numbers per column; 4 with more than 16 numeric columns; none with more
      than 100, or if X is sparse.

    Otherwise, "auto" gives a plain network: one, without a blend; 100 epochs, a tenth of the rows held out, a patience
    of 10; the optimizer's own learning rate, constant, and weight decay; "relu", no dropout, standard scaling, no
    embedding. This is the case if you set ``ensemble_size`` to a number or pass a ``model``, with ``warm_start``, in
    ``partial_fit``, and below 20 rows.

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
        """Train one more epoch, on the given rows.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            Targets; NaN, None or pandas.NA for missing labels.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of single labels.

        Returns
        -------
        self : MultiTaskKerasRegressor
            The fitted estimator. The first call fixes how features are scaled. The first labels of a task fix its
            scale; until then, its predictions are NaN. If most of its later labels lie far outside this scale, the task
            gets a new one, without a change in its predictions. A chunk without labels changes nothing.
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
            Whether to return the standard deviation of the prediction error too. Its square is the sum of the
            variance between the members, if there are several, and of the noise variance: the mean squared
            out-of-fold residual minus the mean variance between the members. Needs ``oob_score`` or ``blend``.
        known : {array-like, DataFrame} of shape (n_samples, n_tasks), default=None
            Labels that are already known, in the form of y in ``fit``, with NaN, None or pandas.NA for those to
            predict. A table with the tasks' names may leave columns out. Known labels are returned unchanged.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            Predictions, one column per task; 1-D if y was 1-D in ``fit``.
        std : ndarray of the same shape
            Standard deviations, in the tasks' units; only with ``return_std``.

        Raises
        ------
        AttributeError
            With ``return_std`` or ``known``, if ``fit`` made no out-of-fold predictions.

        Notes
        -----
        With ``known``, the out-of-fold errors of all tasks are modelled as jointly Gaussian. A prediction moves by its
        expected error given the errors of the known labels; class probabilities follow by Bayes' rule. Correlations
        are shrunk (after Ledoit and Wolf, 2004) by an amount that held-out rows choose for each task, down to zero if
        they bring no clear gain. Rows without known labels get exactly the same predictions as without ``known``.
        """
        if not return_std:
            return super().predict(X, known=known)
        if known is not None:
            return self._predicted_with_std(X, known)
        noise = _noise(self._required_residuals("predict(return_std=True)"), self._member_variance)
        shifted = self._shifted_residuals_or_none()
        shifted = None if shifted is None else _noise(shifted, self._shifted_member_variance)
        rows, probability = self._rows_and_shift(X)
        predicted = self._predictions(self._quantities_of(rows, probability))
        total = np.sqrt(self._member_variances_of(rows, probability) + weighed(noise, shifted, probability))
        return predicted, total.reshape(np.shape(predicted))

    @on_snapshot
    def predict_interval(self, X: Any, coverage: float = 0.9, *, known: Any = None) -> np.ndarray:
        """Prediction intervals that contain a label with a given probability.

        Conformal prediction from the out-of-fold residuals (Vovk et al., 2005; after CV+ of Barber et al., 2021, but
        around the prediction of all members together). Of every 100 rows like those of ``fit``, the intervals contain
        about ``100 * coverage`` labels. This does not hold for shifted rows, such as later times. If
        ``covariate_shift`` led to a blend for them, residuals of blocks of rows left out widen their intervals, with
        full effect from a ``shift_probability`` of 0.25.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        coverage : float, default=0.9
            Probability, in (0, 1).
        known : {array-like, DataFrame} of shape (n_samples, n_tasks), default=None
            Labels that are already known, see ``predict``. They narrow the intervals of the other tasks, as far as
            errors are correlated; the intervals of known labels have width 0.

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, n_tasks, 2)
            Lower and upper ends, in the tasks' units; infinite if there are too few residuals for the coverage.

        Raises
        ------
        AttributeError
            If ``fit`` made no out-of-fold predictions (``oob_score=True`` or ``blend`` does).
        ValueError
            If coverage is outside (0, 1).
        """
        check_is_fitted(self)
        check_coverage(coverage)
        residuals = self._required_residuals("predict_interval")
        rows, probability = self._rows_and_shift(X)
        if known is not None:
            predicted, offsets = self._predict_given(rows, probability, known, interval_of(coverage), covering, 2)
            return np.asarray(predicted, dtype=np.float64)[..., None] + offsets.reshape(*predicted.shape, 2)
        predicted = np.asarray(self._predictions(self._quantities_of(rows, probability)), dtype=np.float64)
        shifted = self._shifted_residuals_or_none()
        in_distribution = interval_offsets_of_tasks(residuals, coverage)
        shifted = None if shifted is None else interval_offsets_of_tasks(shifted, coverage)
        if shifted is not None:
            # The blocks left out may hold too few labels for so high a coverage.
            shifted = np.where(np.isinf(shifted), in_distribution, shifted)
        offsets = covering(in_distribution, shifted, probability)
        return predicted[..., None] + offsets.reshape(*predicted.shape, 2)

    def _predicted_with_std(self, X: Any, known: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions given known labels, and the standard deviations of their errors."""
        self._required_residuals("predict(return_std=True)")
        predicted, squares = self._predict_given(*self._rows_and_shift(X), known, mean_square, weighed, 1)
        return predicted, np.sqrt(squares).reshape(predicted.shape)

    def _predict_given(
        self,
        rows: Any,
        probability: np.ndarray,
        known: Any,
        spread: Callable[[np.ndarray], np.ndarray],
        weigh: Callable[..., np.ndarray],
        size: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions given known labels, and ``spread`` of the remaining errors.

        ``weigh`` combines the errors of in-distribution and of shifted rows.
        """
        model, labels = self._known(known, rows)
        quantities = with_known(model, self._quantities_of(rows, probability), probability, labels)
        return self._predictions(quantities), offsets_given(model, probability, labels, spread, weigh, size)

    def _required_residuals(self, what: str) -> np.ndarray:
        """Return the out-of-fold residuals, (n_samples, n_tasks)."""
        check_is_fitted(self)
        if not hasattr(self, "oob_residuals_"):
            raise AttributeError(f"{what} needs out-of-fold residuals: {how_to_hold_out(self.network_.n_rows)}")
        return self.oob_residuals_.reshape(len(self.oob_residuals_), -1)

    def _shifted_residuals_or_none(self) -> np.ndarray | None:
        """Return residuals of blocks of rows left out, (n_samples, n_tasks); None without a blend for shifted rows."""
        return getattr(self, "_shifted_residuals", None)

    # RegressorMixin's own score does not support missing labels.
    score = BaseMultiTask.score

    def _kinds(self, columns: TargetColumns) -> Sequence[Kind]:
        return ["regression"] * len(columns.names)


def _noise(residuals: np.ndarray, member_variance: np.ndarray) -> np.ndarray:
    """Return each task's mean squared residual minus the variance between members, which is added row by row."""
    return np.maximum(np.nanmean(residuals**2, axis=0) - member_variance, 0.0)
