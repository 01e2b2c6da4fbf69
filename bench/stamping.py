"""Stamps forms with last figures beside what most people write: load the template, fill it, save it, for each unit.

The baseline is measured on a sample in the same run, in turns with ours, and scaled to the same number of forms.
"""

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from openpyxl import load_workbook  # noqa: E402 - the programme's folder is found first

from models.domain.cycles import plan_cycle  # noqa: E402
from models.domain.forms import FormSpec  # noqa: E402
from tasks.adapters.programme import load_programme  # noqa: E402
from tasks.adapters.texts import vietnamese  # noqa: E402
from tasks.adapters.workbooks.stamping import FormTemplate  # noqa: E402
from tasks.ports import PreviousFigure, StampOrder  # noqa: E402

N_FORMS = 10_000
N_ROUNDS = 5
SAMPLE_A_ROUND = 8
TIMES_FASTER = 10


def order_of(number: int, spec: FormSpec) -> StampOrder:
    previous = {item.code: PreviousFigure(amount=number + item.row) for item in spec.fields}
    return StampOrder(unit_code=f"dv-{number}", unit_name=f"Đơn vị số {number}", token=f"t{number}", previous=previous)


def fill_with_openpyxl(template: bytes, spec: FormSpec, order: StampOrder) -> bytes:
    workbook = load_workbook(io.BytesIO(template))
    figures = workbook[spec.figures_sheet]
    figures["A3"] = order.unit_name
    for item in spec.fields:
        figures[f"{spec.previous_column}{item.row}"] = order.previous[item.code].amount
    workbook["_dondoc"]["B2"] = order.unit_code
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


def seconds_for(work: Callable[[StampOrder], bytes], orders: list[StampOrder]) -> float:
    started = time.perf_counter()
    for order in orders:
        work(order)
    return time.perf_counter() - started


def main(n: int = N_FORMS) -> int:
    programme = load_programme(ROOT / "deployments" / "de_an_835")
    cycle = plan_cycle(programme, programme.obligation("O-20"), 2026)
    spec = cycle.form
    template = FormTemplate.build(cycle, programme, vietnamese())
    blank = template.stamp(StampOrder(unit_code="", unit_name="", token=""))
    ours = baseline = 0.0
    for start in range(0, n, -(-n // N_ROUNDS)):
        orders = [order_of(number, spec) for number in range(start, min(n, start + -(-n // N_ROUNDS)))]
        ours += seconds_for(template.stamp, orders)
        sample = orders[:SAMPLE_A_ROUND]
        taken = seconds_for(lambda order: fill_with_openpyxl(blank, spec, order), sample)
        baseline += taken * len(orders) / len(sample)
    ratio = baseline / ours
    print(
        f"stamping {n:,} forms: ours {ours:.1f} s baseline {baseline:.1f} s ratio {ratio:.1f}"
        f" (baseline scaled from {N_ROUNDS * SAMPLE_A_ROUND} forms)"
    )
    return int(ratio < TIMES_FASTER)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else N_FORMS))
