"""Builds whole compilations for the tests of documents and for the bench: real values throughout, no files."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from models.domain.calendar import BeforeDay, DataWindow, OfficeHours, WorkingCalendar, YearDay
from models.domain.coverage import LastChase, coverage_of, missing_units, timeliness_rows
from models.domain.cycles import Cycle, plan_cycle
from models.domain.duties import Duty, Mark
from models.domain.editions import Edition, Narrative, PastTotal, PutQuestion, SourceRow, differences
from models.domain.forms import FieldSpec, FormSpec, NarrativeSpec, finding
from models.domain.plan import Desk, Obligation, ObligationRule, Programme
from models.domain.roster import Roster
from models.domain.submissions import ReportedFigure
from models.domain.tabulation import Comparison, CountedUnit, figures_of, tabulate
from models.domain.vocabulary import (
    OFFICE_ZONE,
    Accrual,
    Aggregation,
    EditionKind,
    FieldKind,
    FindingLevel,
    MarkKind,
    ObligationKind,
    Roll,
)
from tasks.adapters.aggregates import AggregateContent

GROUPS = {
    "so_nganh": "Các sở, cơ quan, ban, ngành tỉnh",
    "doan_the": "Đoàn thể, tổ chức chính trị - xã hội tỉnh",
    "bcd_huyen": "Ban Chỉ đạo các huyện, thị xã, thành phố",
    "trung_uong": "Các cơ quan Trung ương đóng trên địa bàn tỉnh",
}
AS_OF = datetime(2025, 6, 25, 16, 5, tzinfo=OFFICE_ZONE)
SUMMED = (
    ("CT01", "Văn bản lãnh đạo, chỉ đạo, hướng dẫn ban hành", "văn bản", Accrual.FLOW, 12),
    ("CT05", "Hội nghị, buổi tuyên truyền trực tiếp", "buổi", Accrual.FLOW, 30),
    ("CT06", "Lượt người dự", "lượt người", Accrual.FLOW, 4000),
    ("CT07.kdc_xong", "Khu dân cư đã tuyên truyền", "khu dân cư", Accrual.STOCK, 90),
    ("CT07.kdc_tong", "Tổng số khu dân cư", "khu dân cư", Accrual.STOCK, 120),
    ("CT08", "Tin, bài (báo, cổng, mạng xã hội)", "tin, bài", Accrual.FLOW, 60),
    ("CT13", "Mô hình đang duy trì", "mô hình", Accrual.STOCK, 7),
    ("CT19", "Kinh phí được giao", "đồng", Accrual.FLOW, 350_000_000),
    ("CT20", "Kinh phí đã sử dụng", "đồng", Accrual.FLOW, 200_000_000),
)
SECTIONS = (
    ("I", "Tình hình, công tác lãnh đạo, chỉ đạo"),
    ("II.1", "Hội nghị, quán triệt"),
    ("II.2", "Công tác tuyên truyền"),
    ("III.1", "Ưu điểm"),
    ("III.2", "Hạn chế, tồn tại"),
    ("IV", "Phương hướng, nhiệm vụ kỳ sau"),
    ("V", "Kiến nghị, đề xuất"),
)


def a_form() -> FormSpec:
    fields = [_summed(n, *row) for n, row in enumerate(SUMMED)]
    fields.append(_field("CT21", "Phân loại phong trào", "mức", 40, FieldKind.CHOICE))
    return FormSpec(
        code="bm_835",
        version="1",
        title="Biểu số liệu",
        figures_sheet="Biểu 1",
        narratives_sheet="Biểu 2",
        first_row=5,
        fields=tuple(fields),
        narratives=tuple(NarrativeSpec(code=code, title=title, row=n) for n, (code, title) in enumerate(SECTIONS)),
    )


def _summed(n: int, code: str, label: str, measure: str, accrual: Accrual, _size: int) -> FieldSpec:
    kind = FieldKind.MONEY if measure == "đồng" else FieldKind.COUNT
    spec = _field(code, label, measure, n + 5, kind, accrual=accrual)
    return replace(spec, denominator="CT07.kdc_tong") if code == "CT07.kdc_xong" else spec


def _field(code, label, measure, row, kind, accrual=Accrual.STOCK) -> FieldSpec:
    is_choice = kind is FieldKind.CHOICE
    return FieldSpec(
        code=code,
        indicator=code[:4],
        label=label,
        unit_of_measure=measure,
        kind=kind,
        accrual=accrual,
        aggregation=Aggregation.COUNT if is_choice else Aggregation.SUM,
        row=row,
        choices=("Xuất sắc", "Khá", "Trung bình", "Yếu") if is_choice else (),
        clause="II.2",
    )


def a_programme() -> Programme:
    form = a_form()
    return Programme(
        code="de_an_835",
        title="Đề án “Xây dựng phong trào toàn dân bảo vệ an ninh Tổ quốc trên không gian mạng, giai đoạn 2024-2030”",
        short_title="Đề án 835",
        basis="Quyết định số 835/QĐ-UBND ngày 29/8/2024 của UBND tỉnh",
        plan_document="Kế hoạch ngày 23/9/2024 của Ban Chỉ đạo tỉnh",
        desk=Desk(
            issuing_body="BAN CHỈ ĐẠO PHÒNG, CHỐNG TỘI PHẠM, TỆ NẠN XÃ HỘI VÀ XÂY DỰNG PHONG TRÀO TOÀN DÂN BẢO VỆ ANTQ",
            parent_body="TỈNH BẮC GIANG",
            standing_agency="Công an tỉnh",
            place="Bắc Giang",
            document_symbol="BCĐ-CAT",
            signatory_authority="TRƯỞNG BAN",
            sender_name="Cơ quan Thường trực Ban Chỉ đạo tỉnh",
            address="baocao@dondoc.example.invalid",
            phone="0204 000 000",
        ),
        groups=GROUPS,
        obligations=(an_obligation(),),
        forms={form.code: form},
        calendar=WorkingCalendar(),
        office_hours=OfficeHours(),
        roster=Roster(),
    )


def an_obligation() -> Obligation:
    return Obligation(
        code="O-20",
        slug="bao-cao-6-thang",
        title="Báo cáo 06 tháng kết quả triển khai thực hiện Đề án 835",
        short_title="Báo cáo 06 tháng",
        clause="III.1",
        quotation="Báo cáo 06 tháng (trước ngày 15/6)",
        kind=ObligationKind.REPORT,
        first_year=2025,
        last_year=2030,
        cycle_code="bc-6t-{year}",
        cycle_title="Báo cáo 06 tháng năm {year}",
        lead="Công an tỉnh",
        coordinators=(),
        receivers=(
            "Cục XDPTBVANTQ, Bộ Công an",
            "TT Tỉnh ủy, TT HĐND tỉnh",
            "Thành viên Ban Chỉ đạo tỉnh",
        ),
        rules=(
            ObligationRule(
                valid_from=date(2024, 9, 23),
                decision="Kế hoạch ngày 23/9/2024",
                due=BeforeDay(15, 6),
                opens=timedelta(days=30),
                roll=Roll.NEXT_WORKING_DAY,
                window=DataWindow(starts=YearDay(15, 11, -1), ends=YearDay(14, 5)),
                expected_groups=tuple(GROUPS),
                form_code="bm_835",
                required_attachments=(),
                ladder=(),
            ),
        ),
    )


def a_cycle(programme: Programme) -> Cycle:
    return plan_cycle(programme, programme.obligation("O-20"), 2025)


def duties(cycle: Cycle, n_units: int, groups=tuple(GROUPS)) -> list[Duty]:
    """Every tenth unit is missing, and one unit each is nil, waived, extended, held and late."""
    made = []
    for n in range(n_units):
        group = groups[n * len(groups) // n_units]
        facts = _facts(n, cycle)
        made.append(
            Duty(
                id=n + 1,
                cycle_code=cycle.code,
                unit_code=f"dv-{n:05}",
                unit_name=f"Đơn vị thứ {n + 1}",
                group=group,
                opens_at=cycle.opens_at,
                due_at=cycle.due_at,
                late_at=cycle.late_at,
                **facts,
            )
        )
    return made


def _facts(n: int, cycle: Cycle) -> dict[str, object]:
    special = {
        3: {"marks": (Mark(kind=MarkKind.NIL, stated_at=cycle.due_at - timedelta(days=2)),)},
        4: {"marks": (Mark(kind=MarkKind.WAIVER, stated_at=cycle.opens_at, reason="mới thành lập"),)},
        5: {
            "marks": (
                Mark(
                    kind=MarkKind.EXTENSION,
                    stated_at=cycle.opens_at,
                    until=AS_OF + timedelta(days=5),
                    reason="thay đổi tổ chức bộ máy",
                ),
            )
        },
        6: {"completed_at": cycle.due_at - timedelta(hours=4)},
        7: {"completed_at": cycle.late_at + timedelta(days=2), "accepted_at": cycle.late_at + timedelta(days=2)},
        8: {"completed_at": cycle.due_at + timedelta(hours=9), "accepted_at": cycle.due_at + timedelta(hours=9)},
    }
    if n in special:
        return special[n]
    if n % 10 == 1:
        return {}
    received = cycle.due_at - timedelta(days=n % 9 + 1, minutes=n % 50)
    return {"completed_at": received, "accepted_at": received + timedelta(minutes=3)}


def figure_rows(form: FormSpec, codes: list[str]) -> Iterator[ReportedFigure]:
    sizes = {row[0]: row[4] for row in SUMMED}
    for n, unit in enumerate(codes):
        for k, spec in enumerate(form.fields):
            if spec.aggregation is Aggregation.SUM:
                size = sizes.get(spec.code, 50)
                amount = size * (5 + (n * 7 + k) % 6) // 10
                yield ReportedFigure(unit, spec.code, amount, None, (n + k) % 40 == 0)
            elif spec.choices:
                yield ReportedFigure(unit, spec.code, None, spec.choices[n % len(spec.choices)], False)


def narratives(form: FormSpec, named: list[tuple[str, str]]) -> Iterator[Narrative]:
    for section in form.narratives:
        for n, (code, name) in enumerate(named):
            text = (
                "Đã ban hành kế hoạch và tổ chức hội nghị quán triệt đến toàn thể cán bộ, đảng viên.\n"
                f"Tổ chức {n % 7 + 2} buổi tuyên truyền về phòng ngừa lừa đảo trên không gian mạng."
            )
            yield Narrative(section=section.code, unit_code=code, unit_name=name, text=text)


def a_compilation(n_units: int = 40, programme: Programme | None = None, **changes: object) -> AggregateContent:
    programme = programme or a_programme()
    cycle = a_cycle(programme)
    form = cycle.terms.form
    groups = cycle.terms.expected_groups
    made = duties(cycle, n_units, groups)
    rows = timeliness_rows(made, AS_OF)
    reported = [row for row in rows if row.accepted_at]
    nil = {row.unit_code for row in rows if row.is_reported and not row.accepted_at}
    units = [CountedUnit(code=d.unit_code, name=d.unit_name, group=d.group, is_nil=d.unit_code in nil) for d in made]
    figures = figures_of(figure_rows(form, [row.unit_code for row in reported]))
    past = _past_edition(form)
    tabulation = tabulate(
        form, figures, units=units, groups=groups, comparison=Comparison(previous=past, earlier=(past,))
    )
    coverage = coverage_of(rows, groups, AS_OF)
    edition = Edition(
        cycle_code=cycle.code,
        cycle_title=cycle.title,
        number=2,
        kind=EditionKind.PROVISIONAL,
        as_of=AS_OF,
        n_expected=coverage.whole.n_expected,
        n_reported=coverage.whole.n_reported,
        totals=tabulation.totals(),
        sources=tuple(_source(n, row.unit_code, row.unit_name, row.accepted_at) for n, row in enumerate(reported)),
    )
    values = {
        "programme": programme,
        "obligation": programme.obligation("O-20"),
        "cycle": cycle,
        "edition": edition,
        "coverage": coverage,
        "tabulation": tabulation,
        "units": units,
        "figures": figures,
        "timeliness": rows,
        "missing": missing_units(rows, {row.unit_code: _chase(row.unit_code) for row in rows[::2]}),
        "narratives": narratives(form, [(row.unit_code, row.unit_name) for row in reported]),
        "questions": [_question(row.unit_code, row.unit_name) for row in reported[:2]],
        "differences": differences(
            replace(edition, number=1, sources=edition.sources[3:], totals=past.totals), edition
        ),
    }
    return AggregateContent(**(values | changes))


def _past_edition(form: FormSpec) -> Edition:
    sizes = {row[0]: row[4] * 30 for row in SUMMED}
    totals = {
        spec.code: PastTotal(amount=sizes.get(spec.code, 1500), n_reported=36, n_expected=40) for spec in form.fields
    }
    return Edition(
        cycle_code="bc-6t-2024",
        cycle_title="Báo cáo kỳ trước",
        number=1,
        kind=EditionKind.FINAL,
        as_of=AS_OF - timedelta(days=365),
        n_expected=40,
        n_reported=36,
        totals=totals,
    )


def _source(n: int, code: str, name: str, received_at: datetime) -> SourceRow:
    return SourceRow(
        unit_code=code,
        unit_name=name,
        submission=f"TN-{n + 1:05}",
        version=1 + (n % 11 == 0),
        received_at=received_at,
        form_version="1",
        digest=hashlib.sha256(code.encode()).hexdigest(),
    )


def _chase(code: str) -> LastChase:
    return LastChase(
        contact="Văn phòng",
        email=f"{code}@example.invalid",
        phone="0204 000 111",
        last_rung="Đôn đốc lần 1",
        last_sent_at=AS_OF - timedelta(days=3),
    )


def _question(code: str, name: str) -> PutQuestion:
    fact = finding("jump", level=FindingLevel.QUESTION, sheet="Biểu 1", cell="E6", times="4")
    return PutQuestion(unit_code=code, unit_name=name, finding=fact)
