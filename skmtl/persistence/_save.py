"""The two functions: an estimator to a file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from .._versions import __version__, versions_of
from ..exceptions import InvalidModelFileError
from ._archive import FORMAT, Archive, write_archive
from ._check import check_loaded
from ._classes import ESTIMATORS, named
from ._coder import Decoder, Encoder, Kind
from ._keras import CONFIGURED, NAMED, of_keras
from ._objects import CONSTRUCTED, ESTIMATOR, RECORD, kind_of
from ._values import VALUES

_LIBRARIES = ("numpy", "pandas", "scikit-learn", "keras", "tensorflow")
_BY_TYPE = {kind: entry for entry in VALUES for kind in entry.types}
_BY_TAG = {entry.tag: entry for entry in (*VALUES, RECORD, ESTIMATOR, CONSTRUCTED, NAMED, CONFIGURED)}


def save(estimator: Any, path: str | PathLike[str], *, custom_objects: Mapping[str, type] | None = None) -> None:
    """Write an estimator of skmtl's to a file that holds data and no code.

    The file is a zip of JSON and of .npy arrays. What :func:`load` makes of it has the same parameters and predicts
    the same bits; files of this version stay readable by all later ones.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's, fitted or not: regressor, classifier, estimator of mixed tasks, or a task grouping of these.
        For a pipeline or a search around one, skops, pickle or joblib do.
    path : str or path-like
        The file to write. It is replaced in one step: at any moment the path has the old file or the new one.
    custom_objects : mapping of str to type, default=None
        Classes of layers of your own that the network of ``model=`` has, by name. The file keeps their names and
        settings; :func:`load` has to be given them too.

    Raises
    ------
    TypeError
        Where the estimator is none of skmtl's, or has something that is code rather than data, as a function for a
        loss; the message names it. Nothing is written then. The function that ``model=`` was is left out: the loaded
        estimator predicts with the network that it built, and says what to pass where it is fitted again.

    See Also
    --------
    load : Reads the file.

    Notes
    -----
    Callbacks of ``set_callbacks`` are not kept: they look at a fit.

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
    if not named(ESTIMATORS, type(estimator)):
        raise TypeError(
            f"skmtl.save writes {', '.join(ESTIMATORS)}, got {type(estimator).__name__}. For a pipeline, a search or a "
            "class of your own around them, use skops, pickle or joblib."
        )
    encoder = Encoder(_find, dict(custom_objects or {}))
    tree = {
        "format": FORMAT,
        "versions": versions_of(_LIBRARIES),
        "estimator": encoder.encode(estimator),
    }
    write_archive(Path(path), tree, encoder.arrays)


def load(path: str | PathLike[str], *, custom_objects: Mapping[str, type] | None = None) -> Any:
    """Read an estimator that :func:`save` wrote.

    Nothing in the file is run, and no module that it names is imported: only skmtl's own records are made, from values
    that were checked. TensorFlow is not imported.

    Parameters
    ----------
    path : str or path-like
        The file.
    custom_objects : mapping of str to type, default=None
        Classes of layers of your own, by name, as :func:`save` got them.

    Returns
    -------
    estimator : estimator
        It predicts the same bits as the one that was saved.

    Raises
    ------
    InvalidModelFileError
        Where the file is damaged, was altered, is of another kind, or was written in a format that this version does
        not know.
    OSError
        Where there is no such file, or it cannot be read.

    See Also
    --------
    save : Writes the file.

    Notes
    -----
    A loss, an optimizer, a sharing scheme or a balancing method that was passed as an instance or a class, rather than
    by name, is made again, and that imports Keras.
    """
    data = Path(path).read_bytes()
    try:
        estimator = _read(data, dict(custom_objects or {}))
        check_loaded(estimator)
    except ImportError:
        raise
    except InvalidModelFileError as error:
        raise InvalidModelFileError(f"{path} cannot be loaded: {error}.") from error
    except Exception as error:  # whatever a damaged or hostile file leads to
        raise InvalidModelFileError(f"{path} is damaged, or was altered ({type(error).__name__}: {error}).") from error
    return estimator


def _read(data: bytes, custom_objects: dict[str, type]) -> Any:
    archive = Archive(data)
    tree = archive.tree()
    if not isinstance(tree, dict) or type(tree.get("format")) is not int or tree["format"] < 1:
        raise InvalidModelFileError("it is no file of skmtl.save")
    if tree["format"] > FORMAT:
        writer = dict(tree.get("versions") or {}).get("skmtl")
        raise InvalidModelFileError(
            f"it has format {tree['format']}, written by skmtl {writer}; skmtl {__version__} reads up to format "
            f"{FORMAT}. Update skmtl"
        )
    estimator = Decoder(_BY_TAG, archive.array, custom_objects).decode(tree["estimator"])
    if not named(ESTIMATORS, type(estimator)):
        raise InvalidModelFileError(f"it holds no estimator, but {type(estimator).__name__}")
    return estimator


def _find(value: Any) -> Kind | None:
    return _BY_TYPE.get(type(value)) or kind_of(value) or of_keras(value)
