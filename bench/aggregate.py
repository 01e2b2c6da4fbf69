"""Compiles a cycle of 10,000 units on the real form, in a process of its own, and prints its time and peak memory."""

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).resolve().parent.parent
N_UNITS = 10_000
MOST_MEGABYTES = 300
KIBIBYTES_IN_MEGABYTE = 1024


def compile_once() -> None:
    """Compile from rows as a database would yield them to the workbook's last byte, and print what it took."""
    sys.path.insert(0, str(ROOT))
    from tasks.adapters.aggregates import write_aggregate  # noqa: PLC0415 - the parent process stays small
    from tasks.adapters.programme import load_programme  # noqa: PLC0415
    from tasks.adapters.texts import Texts  # noqa: PLC0415
    from tests.adapters.compilations import a_compilation  # noqa: PLC0415

    programme = load_programme(ROOT / "deployments" / "de_an_835")
    started = time.perf_counter()
    content = a_compilation(N_UNITS, programme, questions=())
    with TemporaryFile() as target:
        write_aggregate(target, content, Texts.load())
    seconds = time.perf_counter() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES_IN_MEGABYTE)


def main() -> int:
    answer = subprocess.run([sys.executable, __file__, "--once"], check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, answer.stdout.split())
    print(f"aggregate of {N_UNITS:,} units: {seconds:.1f} s, peak {megabytes:.0f} MB (limit {MOST_MEGABYTES} MB)")
    return int(megabytes >= MOST_MEGABYTES)


if __name__ == "__main__":
    if "--once" in sys.argv:
        compile_once()
    else:
        sys.exit(main())
