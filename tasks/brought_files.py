"""Opens a file that an operator has laid into the home and names in a form; nothing outside the home is opened."""

from pathlib import Path

from models.domain.errors import ActionRefusedError
from models.domain.forms import RawForm
from tasks.runtime import Runtime


def brought_file(runtime: Runtime, name: str) -> Path:
    """Return the file of that name below the home.

    Raises:
        ActionRefusedError: the name leads out of the home, there is no such file, or it is larger than any we read.
    """
    home = runtime.settings.shared.resolve()
    path = (home / name.strip()).resolve()
    if not name.strip() or not path.is_relative_to(home):
        raise ActionRefusedError("file_outside_home", file=name.strip())
    if not path.is_file():
        raise ActionRefusedError("file_not_there", file=name.strip())
    limit = runtime.settings.limits.file_bytes
    if path.stat().st_size > limit:
        raise ActionRefusedError("file_too_large", file=name.strip(), limit_mb=limit // 1024**2)
    return path


def brought_workbook(runtime: Runtime, name: str, content: bytes) -> RawForm:
    """Return the cells of a workbook that an operator brought, read under the same guard as a stranger's.

    Raises:
        ActionRefusedError: the guard refuses it, or it cannot be read.
    """
    (read,) = runtime.reader.read([content])
    if read.form is None:
        what = "; ".join(runtime.texts.finding(found) for found in read.findings)
        raise ActionRefusedError("workbook_refused", file=name, what=what)
    return read.form
