"""What each runner of shared-out work takes to be installed; it knows no Prefect, which a program may not have set."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from models.domain.errors import SpreadingRefusedError

PACKAGES: Final[Mapping[str, str]] = {"dask": "prefect_dask", "ray": "prefect_ray"}
"""By kind of cluster; the kind is also the name of the extra that brings the package."""


def kind_of(runner: str) -> str:
    """Return the kind of a runner, as it stands before the address."""
    return runner.partition("://")[0]


def require_installed(runner: str) -> None:
    """Require that this machine can have work done by a runner.

    Raises:
        SpreadingRefusedError: the package that it takes is not installed.
    """
    kind = kind_of(runner)
    package = PACKAGES.get(kind)
    if package is not None and find_spec(package) is None:
        raise SpreadingRefusedError("not_installed", runner=runner, extra=kind, package=package)
