"""The public functions: save an estimator to a file, and load it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from .._versions import __version__, versions_of
from ..exceptions import InvalidModelFileError
from ._archive import FORMAT, Archive, write_archive
from ._check import check_loaded
from ._classes import ESTIMATORS, is_listed
from ._coder import Decoder, Encoder, Kind
from ._keras import CONFIGURED, NAMED, keras_kind
from ._objects import CONSTRUCTED, ESTIMATOR, RECORD, object_kind
from ._values import VALUES

_LIBRARIES = ("numpy", "pandas", "scikit-learn", "keras", "tensorflow")
_BY_TYPE = {kind: entry for entry in VALUES for kind in entry.types}
_BY_TAG = {entry.tag: entry for entry in (*VALUES, RECORD, ESTIMATOR, CONSTRUCTED, NAMED, CONFIGURED)}


def save(estimator: Any, path: str | PathLike[str], *, custom_objects: Mapping[str, type] | None = None) -> None:
    """Save an estimator to a file that holds data and no code.

    The file is a zip of JSON and .npy arrays. The estimator that :func:`load` returns has the same parameters and
    predicts the same bits. All later versions can read files of this version.

    Parameters
    ----------
    estimator : estimator
        An skmtl regressor, classifier or mixed estimator, or a task grouping of these; fitted or not. For a pipeline
        or a search around one, use skops, pickle or joblib.
    path : str or path-like
        File to write. An existing file is replaced atomically: if saving fails, the old file stays.
    custom_objects : mapping of str to type, default=None
        Your own layer classes in the network of ``model=``, by name. The file keeps their names and settings; pass
        the classes to :func:`load` too.

    Raises
    ------
    TypeError
        If the estimator is not one of skmtl's, or holds something that is code rather than data, such as a function
        as a loss; the message names it. Nothing is written in this case.

    See Also
    --------
    load : Loads the file.

    Notes
    -----
    The function passed as ``model=`` is not saved. The loaded estimator predicts with the network that the function
    built; fitting it again raises an error that says what to pass.

    Callbacks set with ``set_callbacks`` are not saved.

    Examples
    --------
    >>> import skmtl
    >>> from skmtl.datasets import make_related_tasks
    >>> X, y = make_related_tasks(100, 5, 2, random_state=0)
    >>> model = skmtl.MultiTaskKerasRegressor(hidden_layer_sizes=8, epochs=3, ensemble_size=1).fit(X, y)
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skmtl.save(model, f"{folder}/model.skmtl")
    ...     same = skmtl.load(f"{folder}/model.skmtl")
    >>> bool((same.predict(X) == model.predict(X)).all())
    True
    """
    if not is_listed(ESTIMATORS, type(estimator)):
        raise TypeError(
            f"skmtl.save can save {', '.join(ESTIMATORS)}, got {type(estimator).__name__}. For a pipeline, a search or "
            "your own class around one of them, use skops, pickle or joblib."
        )
    encoder = Encoder(_find_kind, dict(custom_objects or {}))
    tree = {
        "format": FORMAT,
        "versions": versions_of(_LIBRARIES),
        "estimator": encoder.encode(estimator),
    }
    write_archive(Path(path), tree, encoder.arrays)


def load(path: str | PathLike[str], *, custom_objects: Mapping[str, type] | None = None) -> Any:
    """Load an estimator from a file written by :func:`save`.

    Loading runs no code from the file and imports no module that it names. It builds only skmtl's own records, from
    values that it checks first. TensorFlow is not imported.

    Parameters
    ----------
    path : str or path-like
        File to load.
    custom_objects : mapping of str to type, default=None
        Your own layer classes, by name, as passed to :func:`save`.

    Returns
    -------
    estimator : estimator
        An estimator that predicts the same bits as the saved one.

    Raises
    ------
    InvalidModelFileError
        If the file is damaged, altered, not written by :func:`save`, or in a newer format than this version can read.
    OSError
        If the file does not exist or cannot be read.

    See Also
    --------
    save : Saves the file.

    Notes
    -----
    Losses, optimizers, sharing schemes and balancing methods that were passed as instances or classes, rather than by
    name, are built again, which imports Keras.
    """
    data = Path(path).read_bytes()
    try:
        estimator = _read(data, dict(custom_objects or {}))
        check_loaded(estimator)
    except ImportError:
        raise
    except InvalidModelFileError as error:
        raise InvalidModelFileError(f"{path} cannot be loaded: {error}.") from error
    except Exception as error:  # a damaged or hostile file may raise anything
        raise InvalidModelFileError(f"{path} is damaged or altered ({type(error).__name__}: {error}).") from error
    return estimator


def _read(data: bytes, custom_objects: dict[str, type]) -> Any:
    archive = Archive(data)
    tree = archive.tree()
    if not isinstance(tree, dict) or type(tree.get("format")) is not int or tree["format"] < 1:
        raise InvalidModelFileError("it was not written by skmtl.save")
    if tree["format"] > FORMAT:
        writer = dict(tree.get("versions") or {}).get("skmtl")
        raise InvalidModelFileError(
            f"it has format {tree['format']}, written by skmtl {writer}, but skmtl {__version__} reads only formats up "
            f"to {FORMAT}. Update skmtl"
        )
    estimator = Decoder(_BY_TAG, archive.array, custom_objects).decode(tree["estimator"])
    if not is_listed(ESTIMATORS, type(estimator)):
        raise InvalidModelFileError(f"it holds an object of type {type(estimator).__name__} instead of an estimator")
    return estimator


def _find_kind(value: Any) -> Kind | None:
    return _BY_TYPE.get(type(value)) or object_kind(value) or keras_kind(value)
