"""Runs faults in a process that has no threads; it loads nothing itself, for the readers' workers load it, too."""

import json
import sys

if __name__ == "__main__":
    from tests.chaos.crash import crash_points, said
    from tests.chaos.databases import faulty_databases
    from tests.chaos.engine import engine_restarted
    from tests.chaos.missed import missed_days
    from tests.chaos.neighbours import neighbours
    from tests.chaos.random_days import random_days
    from tests.chaos.together import two_at_once

    faults = (crash_points, two_at_once, neighbours, faulty_databases, engine_restarted, missed_days, random_days)
    what = {each.__name__: each for each in faults}[sys.argv[1]]
    print(said(what(**json.loads(sys.argv[2]))))  # noqa: T201 - whoever started it reads it
