"""Guards, reads and checks filled forms beside what most people write: `pandas.read_excel` for each file.

The baseline neither guards nor checks; it is measured on a sample in the same run, in turns with ours, and scaled to
the same number of files. Usage: `python bench/intake_parse.py [FILES]`.
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402 - the programme's folder is found first
from openpyxl import load_workbook  # noqa: E402

from models.domain.checks import check_form  # noqa: E402
from models.domain.cycles import plan_cycle  # noqa: E402
from models.domain.forms import FormSpec  # noqa: E402
from models.domain.vocabulary import FieldKind  # noqa: E402
from tasks.adapters.programme import load_programme  # noqa: E402
from tasks.adapters.texts import vietnamese  # noqa: E402
from tasks.adapters.workbooks import form_words  # noqa: E402
from tasks.adapters.workbooks.pool import GuardedReader  # noqa: E402
from tasks.adapters.workbooks.stamping import FormTemplate  # noqa: E402
from tasks.ports import StampOrder  # noqa: E402
from tasks.settings import LimitSettings  # noqa: E402

N_FILES = 1_000
N_ROUNDS = 5
SAMPLE_A_ROUND = 8
N_KINDS = 20


def filled_forms(n_files: int) -> tuple[FormSpec, list[bytes]]:
    """Return a form and that many filled ones, of which twenty differ."""
    programme = load_programme(ROOT / "deployments" / "de_an_835")
    cycle = plan_cycle(programme, programme.obligation("O-20"), 2026)
    template = FormTemplate.build(cycle, programme, vietnamese())
    spec = cycle.form
    kinds = [_filled(template, spec, number) for number in range(min(N_KINDS, n_files))]
    return spec, [kinds[number % len(kinds)] for number in range(n_files)]


def _filled(template: FormTemplate, spec: FormSpec, number: int) -> bytes:
    order = StampOrder(unit_code=f"dv-{number}", unit_name=f"Đơn vị số {number}", token=f"t{number}")
    workbook = load_workbook(io.BytesIO(template.stamp(order)))
    figures, narratives = workbook[spec.figures_sheet], workbook[spec.narratives_sheet]
    answers = {FieldKind.YES_NO: "Có", FieldKind.CHOICE: "Khá"}
    for item in spec.fields:
        figures[spec.value_cell(item)] = answers.get(item.kind, 1_000 + number)
    for section in spec.narratives:
        narratives[f"{spec.narrative_column}{section.row}"] = f"{section.title}: đã thực hiện. " * 10
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def ours(reader: GuardedReader, spec: FormSpec, contents: list[bytes]) -> None:
    words = form_words(vietnamese())
    for read in reader.read(contents):
        if read.form is None or check_form(spec, read.form, words=words).has_blocking:
            raise SystemExit("a good form was refused")


def baseline(contents: list[bytes]) -> None:
    for content in contents:
        pd.read_excel(io.BytesIO(content), sheet_name=None, header=None, engine="openpyxl")


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    n_files = int(sys.argv[1]) if len(sys.argv) > 1 else N_FILES
    spec, contents = filled_forms(n_files)
    reader = GuardedReader(LimitSettings())
    ours(reader, spec, contents[:N_KINDS])  # the workers start once for a whole poll, and are not measured
    ours_s: list[float] = []
    baseline_s: list[float] = []
    for _ in range(N_ROUNDS):
        ours_s.append(seconds(lambda: ours(reader, spec, contents)))
        baseline_s.append(seconds(lambda: baseline(contents[:SAMPLE_A_ROUND])))
    reader.close()
    n_sampled = min(SAMPLE_A_ROUND, n_files)
    ours_median, baseline_median = sorted(ours_s)[N_ROUNDS // 2], sorted(baseline_s)[N_ROUNDS // 2]
    scaled = baseline_median / n_sampled * n_files
    print(
        f"guarding, reading and checking {n_files:,} forms: ours {ours_median:.2f} s "
        f"baseline {scaled:.2f} s (scaled from {n_sampled} files a round) ratio {scaled / ours_median:.1f}"
    )


if __name__ == "__main__":
    main()
