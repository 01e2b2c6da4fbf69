"""A small invented programme of two tiers, for tests only: communes report to their district, districts to the desk."""

import io
import textwrap
from datetime import date, datetime
from email import policy
from email.message import EmailMessage
from pathlib import Path

from openpyxl import load_workbook

from deployments.simulated_units import signed_copy
from models.domain.roster import Contact, Roster, Unit
from tasks.adapters.programme import load_programme, write_roster
from tasks.adapters.texts import vietnamese

LOWER, UPPER = "K-01", "K-02"
LOWER_CYCLE, UPPER_CYCLE = "bc-xa-2025", "bc-huyen-2025"
FAMILIES = {
    "huyen-mot": ("xa-mot-a", "xa-mot-b", "xa-mot-c"),
    "huyen-hai": ("xa-hai-a", "xa-hai-b"),
    "huyen-ba": ("xa-ba-a",),
}
SINCE = date(2020, 1, 1)
WORKBOOK = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")

PLAN = """
    code: thu_hai_cap
    title: Chương trình giả định có hai cấp báo cáo
    short_title: Thử hai cấp
    basis: Quyết định giả định
    plan_document: Kế hoạch giả định
    desk:
      issuing_body: CƠ QUAN GIẢ ĐỊNH
      parent_body: CẤP TRÊN GIẢ ĐỊNH
      standing_agency: Văn phòng tỉnh giả định
      place: Nơi giả định
      document_symbol: GĐ
      signatory_authority: KT. TRƯỞNG BAN
      sender_name: Phòng tổng hợp
      address: baocao@dondoc.example.invalid
      phone: 000.000.000 (số giả định)
    office_hours: ["07:30-12:00", "13:00-16:30"]
    groups:
      GH: Các huyện
      GX: Các xã
    attachments:
      ban_ky: {title: Báo cáo đã ký (PDF)}
    ladders:
      don_doc:
        - {code: opening,  anchor: opens_at, working_days: 0, audience: all, attach_form: true}
        - {code: overdue,  anchor: late_at,  working_days: 1, audience: late, tell_parent: true}
        - {code: urging-1, anchor: late_at,  working_days: 3, audience: late, tell_parent: true}
        - {code: close,    anchor: late_at,  working_days: 15, audience: all, action: close}
    obligations:
      - code: K-01
        slug: bao-cao-xa
        kind: report
        title: Báo cáo của xã
        short_title: BC xã
        clause: "1"
        quotation: Các xã báo cáo Ủy ban nhân dân huyện
        first_year: 2025
        last_year: 2026
        cycle_code: bc-xa-{year}
        cycle_title: Báo cáo của xã năm {year}
        lead: Các xã
        receivers: [Ủy ban nhân dân huyện]
        rules:
          - valid_from: 2025-01-01
            decision: Kế hoạch giả định
            due: {before_day: 1/6}
            opens_days_before: 30
            window: {from: 15/11/Y-1, to: 14/5/Y}
            expected_groups: [GX]
            form: bm_xa
            required_attachments: [ban_ky]
            ladder: don_doc
            reports_to: parent
      - code: K-02
        slug: bao-cao-huyen
        kind: report
        title: Báo cáo của huyện
        short_title: BC huyện
        clause: "2"
        quotation: Các huyện tổng hợp, báo cáo Ủy ban nhân dân tỉnh
        first_year: 2025
        last_year: 2026
        cycle_code: bc-huyen-{year}
        cycle_title: Báo cáo của huyện năm {year}
        lead: Các huyện
        receivers: [Ủy ban nhân dân tỉnh]
        rules:
          - valid_from: 2025-01-01
            decision: Kế hoạch giả định
            due: {before_day: 15/6}
            opens_days_before: 10
            window: {from: 15/11/Y-1, to: 14/5/Y}
            expected_groups: [GH]
            form: bm_huyen
            required_attachments: [ban_ky]
            ladder: don_doc
            filled_from: K-01
"""

FORM = """
    code: {code}
    version: "1"
    title: {title}
    figures_sheet: Biểu 1
    narratives_sheet: Biểu 2
    first_row: 7
    includes_children: {includes_children}
    fields:
      - {{code: T01, title: Số buổi tuyên truyền, measure: buổi, kind: count, accrual: flow, aggregation: sum}}
      - {{code: T02, title: Lượt người dự, measure: lượt người, kind: count, accrual: flow, aggregation: sum}}
      - {{code: T03, title: Kinh phí đã sử dụng, measure: đồng, kind: money, accrual: flow, aggregation: sum}}
      - {{code: {own}, title: Có kế hoạch, measure: có/không, kind: yes_no, accrual: stock, aggregation: count}}
    narratives:
      - {{code: I, title: I. Kết quả, is_required: false}}
"""


def write_programme(folder: Path, *, plan: str = PLAN, includes_children: bool = True, roster: Roster | None = None):
    """Write the programme into a folder, and return the folder."""
    (folder / "forms").mkdir(parents=True)
    (folder / "plan.yaml").write_text(textwrap.dedent(plan), "utf-8")
    lower = FORM.format(code="bm_xa", title="Biểu của xã", includes_children="false", own="X09")
    upper = FORM.format(
        code="bm_huyen", title="Biểu của huyện", includes_children=str(includes_children).lower(), own="H09"
    )
    (folder / "forms" / "bm_xa.yaml").write_text(textwrap.dedent(lower), "utf-8")
    (folder / "forms" / "bm_huyen.yaml").write_text(textwrap.dedent(upper), "utf-8")
    (folder / "holidays.csv").write_text("date,working,reason,document\n", "utf-8")
    write_roster(roster or a_roster(), {"GH": "Các huyện", "GX": "Các xã"}, vietnamese(), folder / "roster.xlsx")
    return folder


def a_roster(*, with_parents: bool = True, reached: bool = True) -> Roster:
    """Return the invented units; without parents, or with districts that nobody can be written to."""
    units, contacts = [], []
    for parent, children in FAMILIES.items():
        units.append(Unit(code=parent, name=name_of(parent), group="GH", valid_from=SINCE))
        contacts += [desk(parent)] if reached else []
        for child in children:
            above = parent if with_parents else None
            units.append(Unit(code=child, name=name_of(child), group="GX", valid_from=SINCE, parent_code=above))
            contacts.append(desk(child))
    return Roster(tuple(units), tuple(contacts))


def name_of(code: str) -> str:
    """Return what an invented unit is called."""
    kind, _, rest = code.partition("-")
    return f"{'Huyện' if kind == 'huyen' else 'Xã'} {rest.replace('-', ' ').title()}"


def address_of(code: str) -> str:
    """Return the address of its desk."""
    return f"{code}@example.invalid"


def desk(code: str) -> Contact:
    """Return its only contact."""
    return Contact(
        unit_code=code, name=f"Văn phòng {name_of(code)}", email=address_of(code), phone="000", valid_from=SINCE
    )


def answer_to(letter: EmailMessage, unit: str, at: datetime, cells: dict[str, object]) -> EmailMessage:
    """Return the unit's answer: the form that came with the letter, these cells written over what stands there."""
    (content,) = [part.get_content() for part in letter.iter_attachments() if part.get_content_type().endswith("sheet")]
    workbook = load_workbook(io.BytesIO(content))
    for address, value in cells.items():
        workbook["Biểu 1"][address] = value
    answer = EmailMessage(policy=policy.SMTP)
    answer["From"], answer["To"] = address_of(unit), str(letter["Reply-To"])
    answer["Subject"], answer["Date"] = f"Re: {letter['Subject']}", at
    answer["Message-ID"] = f"<{unit}.{at:%Y%m%d%H%M}@units.example.invalid>"
    answer["In-Reply-To"] = str(letter["Message-ID"])
    answer.set_content("Xin gửi báo cáo.")
    with io.BytesIO() as filled:
        workbook.save(filled)
        answer.add_attachment(filled.getvalue(), maintype=WORKBOOK[0], subtype=WORKBOOK[1], filename=f"{unit}.xlsx")
    answer.add_attachment(signed_copy(unit), maintype="application", subtype="pdf", filename="da-ky.pdf")
    return answer


def a_programme(folder: Path):
    """Return the programme as the program reads it."""
    return load_programme(write_programme(folder))
