"""The version, and pickles that know which one made them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# The one place: the distributions and the documentation read it here.
__version__ = "0.2.0"

_KEY = "_skmtl_version"


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Versions of skmtl and of these packages, as far as they are installed under that name."""
    found = {"skmtl": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            # As of tensorflow-cpu, or of a build from source.
            continue
    return found


class VersionedPickles:
    """Mixin of estimators: one that another version of skmtl pickled warns where it is unpickled."""

    def __getstate__(self) -> dict[str, Any]:
        """Attributes, and the version."""
        return {**vars(self), _KEY: __version__}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take over the attributes; warn where they are another version's."""
        pickled_by = state.get(_KEY, "0.1.0 or older")
        if pickled_by != __version__:
            from .exceptions import InconsistentSkmtlVersionWarning

            warnings.warn(
                InconsistentSkmtlVersionWarning(
                    estimator_name=type(self).__name__, current_version=__version__, original_version=pickled_by
                ),
                stacklevel=2,
            )
        vars(self).update({name: value for name, value in state.items() if name != _KEY})
