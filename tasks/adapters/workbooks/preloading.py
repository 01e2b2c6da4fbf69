"""What the server process loads that forks the readers of workbooks, so that each of them has it from the start.

Imported there only: it keeps numpy away, which openpyxl would load for the sake of arrays that no form holds, and which
takes as long as all the rest.
"""

import sys

sys.modules["numpy"] = None  # type: ignore[assignment]  # so Python is told that a module is not to be had

import tasks.adapters.workbooks.pool  # noqa: E402, F401 - after numpy was kept away
