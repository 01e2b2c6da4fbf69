"""Takes in filled forms from the drop folder (guard, parse, check, store), beside `pandas.read_excel` for each file.

Ours judges archives that hold a form and its signed copy: bytes kept, form guarded, read and checked, submission,
figures and answer stored. The baseline reads both sheets of the bare form with openpyxl in one Prefect task per file,
and neither guards, checks nor stores. It is run over as many files, up to a thousand: a task takes longer the more of
them wait in one process, and a small sample would flatter it.
"""

import io
import os
import random
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from openpyxl import load_workbook

from bench.synthetic import CYCLE, a_home, a_prefect_server, open_cycle
from deployments.simulated_units import signed_copy
from models.domain.forms import FormSpec
from models.domain.vocabulary import OFFICE_ZONE, FieldKind

if TYPE_CHECKING:
    from tasks.runtime import Runtime

N_FORMS = 1_000
N_KINDS = 20
SAMPLE = 1_000
TIMES_FASTER = 8
SECONDS_TO_SETTLE = 5
ARRIVED_AT = datetime(2025, 6, 10, 9, tzinfo=OFFICE_ZONE)
LAID_DOWN_AT = ARRIVED_AT.replace(hour=8)
ANSWERS = {FieldKind.YES_NO: "Có", FieldKind.CHOICE: "Khá"}


def fill(form: bytes, spec: FormSpec, number: int) -> bytes:
    """Fill a form as a clerk does: every cell, and two lines in each section."""
    workbook = load_workbook(io.BytesIO(form))
    figures, narratives = workbook[spec.figures_sheet], workbook[spec.narratives_sheet]
    chance = random.Random(number)
    for item in spec.fields:
        figures[spec.value_cell(item)] = ANSWERS.get(item.kind, 1_000 + number)
    for section in spec.narratives:
        text = f"{section.title}: đã thực hiện {chance.randint(1, 99)} việc. "
        narratives[f"{spec.narrative_column}{section.row}"] = text * 3
    with io.BytesIO() as target:
        workbook.save(target)
        return target.getvalue()


def readdressed(workbook: bytes, names: dict[bytes, bytes]) -> bytes:
    """Return a filled workbook as if another unit had filled it: its code, name and token in place of the first's."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            for member in source.infolist():
                content = source.read(member)
                for theirs, ours in names.items():
                    content = content.replace(theirs, ours)
                package.writestr(member, content)
        return target.getvalue()


def filled_forms(runtime: "Runtime", n: int) -> Iterator[tuple[str, bytes]]:
    """Yield the code of each unit with its own stamped form, filled."""
    from models.db.records import cycles  # noqa: PLC0415 - Prefect reads its settings once
    from tasks.open_cycles import stamp_missing_forms  # noqa: PLC0415

    stamp_missing_forms.fn(runtime, [CYCLE])
    with runtime.sessions() as session:
        spec = cycles.cycle(session, CYCLE).form
        records = next(cycles.duties_in_chunks(session, CYCLE, size=n))
    firsts = records[:N_KINDS]
    kinds = [fill(runtime.archive.read(r.form_digest), spec, number) for number, r in enumerate(firsts)]
    for number, record in enumerate(records):
        first = firsts[number % len(firsts)]
        names = {
            first.token.encode(): record.token.encode(),
            first.duty.unit_code.encode(): record.duty.unit_code.encode(),
        }
        yield record.duty.unit_code, readdressed(kinds[number % len(kinds)], names)


def lay_out(home: Path, runtime: "Runtime", n: int, n_bare: int = SAMPLE) -> list[Path]:
    """Lay an archive of form and signed copy into the drop folder for each unit; return a sample of bare forms."""
    folder, bare = home / "drop" / "van-thu", home / "bare"
    folder.mkdir(parents=True)
    bare.mkdir()
    sample = []
    for code, form in filled_forms(runtime, n):
        path = folder / f"{code}.zip"
        with zipfile.ZipFile(path, "w") as package:
            package.writestr(f"{code}.xlsx", form)
            package.writestr(f"{code}.pdf", signed_copy(code))
        os.utime(path, (LAID_DOWN_AT.timestamp(),) * 2)
        if len(sample) < n_bare:
            sample.append(bare / f"{code}.xlsx")
            sample[-1].write_bytes(form)
    return sample


def take_in() -> tuple[dict[str, int], float]:
    """Take everything in and judge it, as the mailbox's round does; return the counts and the seconds."""
    from tasks.runtime import open_runtime  # noqa: PLC0415
    from tasks.settings import Settings  # noqa: PLC0415
    from tasks.take_and_judge import take_and_judge  # noqa: PLC0415

    started = time.perf_counter()
    with open_runtime(Settings.load()) as runtime:
        counts = take_and_judge(runtime, ARRIVED_AT)
    return counts, time.perf_counter() - started


def read_each(paths: list[Path], sheets: list[str]) -> float:
    """Run the baseline, and return the seconds that its mapping took."""
    import pandas as pd  # noqa: PLC0415
    from prefect import flow, task, unmapped  # noqa: PLC0415
    from prefect.cache_policies import NO_CACHE  # noqa: PLC0415

    @task(cache_policy=NO_CACHE)
    def read_one(path: Path, sheets: list[str]) -> int:
        return sum(len(frame) for frame in pd.read_excel(path, sheet_name=sheets, engine="openpyxl").values())

    @flow(name="one-task-per-file")
    def one_task_per_file() -> float:
        started = time.perf_counter()
        assert all(read_one.map(paths, unmapped(sheets)).result())
        return time.perf_counter() - started

    return one_task_per_file()


def main(n: int = N_FORMS, n_of_baseline: int = SAMPLE) -> int:
    os.environ |= {
        "DONDOC_ARRIVALS_PER_POLL": str(n),
        "DONDOC_UNITS_PER_CHUNK": str(n),
        "DONDOC_VIRTUAL_NOW": ARRIVED_AT.isoformat(),
    }
    with a_home() as home, a_prefect_server(home):
        from prefect import flow  # noqa: PLC0415

        from tasks.runtime import open_runtime  # noqa: PLC0415
        from tasks.settings import Settings  # noqa: PLC0415

        with open_runtime(Settings.load()) as runtime:
            open_cycle(runtime, n)
            sample = lay_out(home, runtime, n, n_of_baseline)
            programme, _ = runtime.programme_with("O-20")
        spec = next(iter(programme.forms.values()))
        sheets = [spec.figures_sheet, spec.narratives_sheet]
        # The first run of a process loads what the others find loaded, and a server that has just been busy refuses
        # the next run for two seconds: neither is a matter of ours or of the baseline.
        read_each(sample[:5], sheets)
        time.sleep(SECONDS_TO_SETTLE)  # noqa: TID251 - the server says nowhere that it has come to rest
        # Ours comes first: the server is busy with the baseline's task runs long after the client has done with them.
        counts, ours = flow(name="intake")(take_in)()
        baseline = read_each(sample, sheets) / len(sample) * n
    ratio = baseline / ours
    print(
        f"intake of {n:,} filled forms: ours {ours:.1f} s baseline {baseline:.1f} s ratio {ratio:.1f} "
        f"(baseline: {len(sample):,} files)"
    )
    if counts != {"taken": n, "accepted": n, "returned": 0, "quarantined": 0, "ignored": 0}:
        print(f"not every form was accepted: {counts}", file=sys.stderr)
        return 1
    return int(ratio < TIMES_FASTER)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
