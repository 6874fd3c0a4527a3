"""Regressions and classifications in one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pandas as pd
from sklearn.base import MultiOutputMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._records import Kind
from .._snapshot import on_snapshot
from ..blending._decision import BALANCED, MOST_PROBABLE
from ..targets import TargetColumns, infer_kinds
from ._availability import refuse_cross_val_predict, takes_partial_fit
from ._base import BaseMultiTask
from ._logarithms import logarithms
from ._other_names import explains_names


class MultiTaskKerasEstimator(MultiOutputMixin, BaseMultiTask):
    """Estimator for targets of mixed kinds, regressions and classifications, that share one Keras network.

    Losses count in units of a constant prediction's loss, which makes a squared error and a cross-entropy
    comparable, and are averaged over each task's observed labels.

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
    class_weight : dict, "balanced", list or None, default=None
        Weights of the classes: for 1-D y a dict from class to weight or "balanced"; for 2-D y
        "balanced" for all, or a list or dict of such per task.
    decision : {"most_probable", "balanced_accuracy"} or callable, default="most_probable"
        Which class ``predict`` gives. "balanced_accuracy", or a metric that is called with the true and the predicted
        labels of a task and is better the larger it is, multiplies each task's class probabilities by
        ``decision_factors_`` before the largest is taken, with which out-of-fold predictions score best; rare classes
        are found more often so. Probabilities stay as they are. It needs ``blend`` or ``oob_score``.
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
    task_types : dict, default=None
        Task name to "regression" or "classification". Tasks not named are taken from their column:
        strings, categories, booleans and whole numbers with at most two values are classes, other numbers
        are quantities.
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
    decision_factors_ : list of ndarray of shape (n_classes,)
        Per task, what class probabilities are multiplied by before ``predict`` takes the largest; None for a
        regression. There with a ``decision`` other than "most_probable".
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
    classes_ : ndarray or list of ndarray
        Classes of the task, or of every task for 2-D y; None for a regression.
    categories_ : dict of str or int to ndarray
        Levels of each categorical column, by its name (its position, where X has no names); a level's position is
        its code in what :meth:`model_input` gives. Empty where no column is categorical.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it had names.

    See Also
    --------
    MultiTaskKerasRegressor : All tasks regressions.
    MultiTaskKerasClassifier : All tasks classifications.

    Notes
    -----
    The rule, with ``ensemble_size="auto"`` and from 20 rows on, for each parameter left at "auto": 8 networks (6 from
    10,000 rows on, 4 from 20,000, 3 from 30,000, 2 from 60,000), each holding out an eighth of the rows; ``blend`` of
    the networks (also as they are when regressions are predicted best, where tasks are of both kinds), a ridge
    regression and two kernel regressions (without X_val, a ``loss``, or ``early_stopping=False``); 80 epochs, from
    5,000 rows on falling with the square root of their number, 15 at least, and a patience of a quarter of them;
    learning rate 0.003 along a cosine and weight decay 0.03 (the optimizer's own where ``optimizer`` is given); mish,
    dropout 0.1; robust scaling; and piecewise-linear embeddings of 8 numbers a column, 4 with more than 16 numeric
    columns, none with more than 100 or sparse ones.

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
    >>> import pandas as pd
    >>> from skmtl import MultiTaskKerasEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 4))
    >>> y = pd.DataFrame({"price": 100 + 20 * X[:, 0], "type": np.where(X[:, 1] > 0, "house", "flat")})
    >>> model = MultiTaskKerasEstimator(hidden_layer_sizes=32, learning_rate=0.01, random_state=0).fit(X, y)
    >>> bool((model.predict(X).dtypes == y.dtypes).all())
    True
    >>> model.score(X, y) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMultiTask._parameter_constraints,
        "class_weight": [Mapping, "array-like", StrOptions({"balanced"}), None],
        "decision": [StrOptions({MOST_PROBABLE, BALANCED}), callable],
        "task_types": [dict, None],
    }

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
        class_weight: Any = None,
        decision: Any = MOST_PROBABLE,
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
        task_types: Any = None,
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
        self.class_weight = class_weight
        self.decision = decision
        self.task_types = task_types

    @property
    def classes_(self) -> Any:
        """Classes of the task, or a list of them, one entry a task, for 2-D y; None for a regression."""
        check_is_fitted(self)
        classes = list(self.network_.targets.classes)
        return classes[0] if self.network_.targets.one_dimensional else classes

    @on_snapshot
    def predict(self, X: Any, *, known: Any = None) -> Any:
        """Predict all tasks.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        known : {array-like, DataFrame} of shape (n_samples, n_tasks), default=None
            Labels that are known already, as y in ``fit``; NaN, None or pandas.NA for what is asked. A table by names
            may leave columns out. Known labels are given back as they are; see the other estimators' ``predict``.

        Returns
        -------
        y : DataFrame or ndarray of shape (n_samples,) or (n_samples, n_tasks)
            A pandas DataFrame where y was a table in ``fit``, with y's columns and the index of X. Labels have the
            dtype of their column; quantities have it too if it is one of floats, else the float type of the same
            family: float64, Float64 or double[pyarrow]. For other y an array (of objects where labels and numbers
            meet), 1-D where y was.
        """
        check_is_fitted(self)
        columns = self._columns(self._quantities(X, known))
        if not self.network_.targets.is_frame:
            return self._form(columns)
        index = X.index if isinstance(X, pd.DataFrame) else pd.RangeIndex(len(columns[0]))
        return self.network_.targets.table(columns, index)

    @available_if(takes_partial_fit)
    @explains_names
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> MultiTaskKerasEstimator:
        """Train one epoch more, on the given rows.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            Targets; NaN, None or pandas.NA where they are not known.
        classes : list, default=None
            One entry a task: all labels that will ever come of a classification, None for a regression.
            Must be given in the first call where a task is a classification.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of the single labels.

        Returns
        -------
        self : MultiTaskKerasEstimator
            The fitted estimator. The first call fixes kinds of tasks and how features are scaled. A task is
            scaled by the first labels that it has; before, its predictions are NaN. A chunk without any label changes
            nothing.
        """
        self._validate_params()
        return self._partial_fit(X, y, self._checked_classes(y, classes), sample_weight)

    @available_if(lambda estimator: _has_classes(estimator))
    @on_snapshot
    def predict_proba(self, X: Any, *, known: Any = None) -> Any:
        """Class probabilities.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        known : {array-like, DataFrame} of shape (n_samples, n_tasks), default=None
            Labels that are known already, see ``predict``: their classes have all probability.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), or list of them
            For 1-D y one array, for 2-D y one a task, float64; columns in the order of ``classes_``; None for
            a regression.
        """
        check_is_fitted(self)
        if regressions := [task.name for task in self.network_.tasks if task.kind == "regression"]:
            refuse_cross_val_predict(regressions)
        quantities = self._quantities(X, known)
        classes = self.network_.targets.classes
        proba = [None if known is None else values for known, values in zip(classes, quantities, strict=True)]
        return proba[0] if self.network_.targets.one_dimensional else proba

    @available_if(lambda estimator: _has_classes(estimator))
    def predict_log_proba(self, X: Any) -> Any:
        """Logarithm of the class probabilities.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes), or list of them
            Logarithms of what ``predict_proba`` gives, in the same form; minus infinity for a probability of 0.
        """
        return logarithms(self.predict_proba(X))

    def _kinds(self, columns: TargetColumns) -> Sequence[Kind]:
        typed = {str(name) for name in self.task_types or ()}
        for name, observed in zip(columns.names, columns.observed, strict=True):
            if name not in typed and not observed.any():
                raise ValueError(
                    f"Task {name!r} has no label at all: every entry of its column is missing, so that nothing says "
                    "what it is. Leave the column out, give it labels, or name it in task_types for partial_fit."
                )
        return infer_kinds(columns, self.task_types)


def _has_classes(estimator: MultiTaskKerasEstimator) -> bool:
    """Whether a task is a classification, as far as is known."""
    if not hasattr(estimator, "network_"):
        raise AttributeError("predict_proba is there once fit has found a classification among the tasks.")
    if all(task.kind == "regression" for task in estimator.network_.tasks):
        raise AttributeError("predict_proba needs a classification; all tasks of this estimator are regressions.")
    return True
