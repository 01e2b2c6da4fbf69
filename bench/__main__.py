"""Runs every bench module, each in a process of its own, and prints its line as soon as it is there.

Usage: `python -m bench [--scale 0.1] [NAME …]`. The exit status is 1 when one of them misses its ratio or fails.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SIZES = {
    "tick": 10_000,
    "intake": 1_000,
    "intake_parse": 1_000,
    "letters": 5_000,
    "stamping": 10_000,
    "aggregate": 10_000,
}
"""How many units, files or letters at scale 1; one that is not named here decides for itself."""
FEWEST = 50
BY_ITSELF = {"load"}
"""What takes so long, and a machine so much to itself, that it runs only when it is asked for by its name."""


def modules() -> list[str]:
    """Return the bench modules that are there, in the order of the table, unknown ones last."""
    found = [path.stem for path in FOLDER.glob("[!_]*.py") if "def main(" in path.read_text("utf-8")]
    order = list(SIZES)
    return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))


def run(name: str, scale: float) -> bool:
    """Run one module and say whether it came to its ratio."""
    size = [str(max(FEWEST, round(SIZES[name] * scale)))] if name in SIZES else []
    started = time.perf_counter()
    process = subprocess.run([sys.executable, str(FOLDER / f"{name}.py"), *size], cwd=FOLDER.parent, check=False)
    verdict = "" if process.returncode == 0 else f" FAILED with status {process.returncode}"
    print(f"   {name}: {time.perf_counter() - started:.0f} s in all{verdict}", flush=True)
    return process.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is what the README's table was measured with")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(modules()))
    options = parser.parse_args()
    wanted = options.names or [name for name in modules() if name not in BY_ITSELF]
    unknown = set(wanted) - set(modules())
    if unknown:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    results = []
    for number, name in enumerate(wanted, start=1):
        print(f"[{number}/{len(wanted)}] {name} …", flush=True)
        results.append(run(name, options.scale))
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
