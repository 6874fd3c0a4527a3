"""The version of skmtl, and pickles that record it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# The one place: the distributions and the documentation read it here.
__version__ = "0.2.0"

_KEY = "_skmtl_version"


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of skmtl and of those packages that are installed under these names."""
    versions = {"skmtl": __version__}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            # For example tensorflow-cpu, or a build from source.
            continue
    return versions


class VersionedPickles:
    """Mixin of estimators that warns when unpickling an estimator of another skmtl version."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes and the version."""
        return {**vars(self), _KEY: __version__}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Restore the attributes; warn if they come from another version."""
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
