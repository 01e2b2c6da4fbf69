import re
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.forms import finding
from models.domain.tokens import token_in_subject
from models.domain.vocabulary import (
    EditionKind,
    FindingLevel,
    LetterKind,
    ObligationKind,
    Outcome,
    Paper,
    Timeliness,
)
from tasks.adapters.asking import Asked
from tasks.adapters.programme.folder import load_programme
from tasks.adapters.rendering import (
    AnswerContext,
    AskedUnit,
    ChaseContext,
    ChaseDuty,
    ComingCycle,
    DigestContext,
    Envelope,
    MemberContext,
    MemberDuty,
    OperatorContext,
    Renderer,
    ResultContext,
    RollCallContext,
    SeveralContext,
)
from tasks.adapters.texts import TEMPLATES, vietnamese
from tasks.ports import Attachment
from tests.builders import hanoi

PROGRAMME = load_programme(Path(__file__).parents[2] / "deployments" / "de_an_835")
RENDERER = Renderer(vietnamese())
RUNGS = {
    "opening": "2025-05-16 08:00:00",
    "reminder-1": "2025-06-05 08:00:00",
    "reminder-2": "2025-06-12 08:00:00",
    "overdue": "2025-06-17 08:00:00",
    "urging-1": "2025-06-19 08:05:00",
    "urging-2": "2025-06-25 08:00:00",
    "a-rung-of-another-plan": "2025-06-05 08:00:00",
}
TOKEN = "abcdefgh234567ab"
OTHER_TOKEN = "bbbbbbbb234567ab"
HOSTILE = '<script>alert("Sở")</script>\r\nBcc: x@example.invalid\u202e\x00'
DEADLINE = (
    "trước ngày 15/6/2025 (chậm nhất 24 giờ ngày 14/6/2025, Thứ Bảy; ngày làm việc cuối cùng là Thứ Sáu, 13/6/2025)"
)


def a_duty(**said):
    obligation = PROGRAMME.obligation("O-20")
    usual = {
        "duty_id": 1,
        "unit_name": "Sở Y tế",
        "rung": "opening",
        "cycle_code": "bc-6t-2025",
        "cycle_title": "Báo cáo 06 tháng năm 2025",
        "short_title": "BC 6T 2025",
        "clause": obligation.clause,
        "quotation": obligation.quotation,
        "decision": obligation.rules[0].decision,
        "due_at": hanoi("2025-06-15 00:00:00"),
        "late_at": hanoi("2025-06-17 00:00:00"),
        "period_start": date(2024, 11, 15),
        "period_end": date(2025, 5, 14),
        "required": ("Báo cáo đã ký",),
        "token": TOKEN,
        "has_form": True,
    }
    return ChaseDuty(**(usual | said))


def an_annual_duty(**said):
    return a_duty(
        cycle_code="bc-nam-2025",
        cycle_title="Báo cáo năm 2025",
        short_title="BC năm 2025",
        due_at=hanoi("2025-11-15 00:00:00"),
        late_at=hanoi("2025-11-15 00:00:00"),
        **said,
    )


KINDS = {
    "report": {},
    "estimate": {"paper": Paper.ESTIMATE, "cycle_title": "Dự toán lập trong năm 2024", "short_title": "Dự toán 2024"},
    "explanation": {
        "kind": ObligationKind.INSPECTION,
        "cycle_title": "Kiểm tra việc phân công nhiệm vụ năm 2025",
        "content": "Việc phân công nhiệm vụ, bố trí cán bộ đầu mối",
        "period_start": None,
        "period_end": None,
        "required": (),
    },
    "plan": {"kind": ObligationKind.ANNUAL_PLAN, "asks_for_form": False, "has_form": False, "is_led": True},
    "work": {
        "kind": ObligationKind.MILESTONE,
        "asks_for_form": False,
        "has_form": False,
        "is_led": True,
        "coordinators": "Văn phòng UBND tỉnh",
        "is_shared": True,
        "is_settled_by_word": True,
        "receivers": ("Ban Chỉ đạo tỉnh", "Sở Tài chính"),
        "settled_with": "Báo cáo kết quả hội nghị",
    },
    "task": {
        "kind": ObligationKind.MILESTONE,
        "asks_for_form": False,
        "has_form": False,
        "content": "Ban hành kế hoạch tuyên truyền",
        "product": "Kế hoạch đã ký",
    },
    "remedy": {
        "kind": ObligationKind.INSPECTION,
        "asks_for_form": False,
        "has_form": False,
        "content": "Bổ sung phân công cán bộ đầu mối",
    },
}
"""Facts by which a duty is spoken of as each kind of thing."""


def an_envelope(**said):
    return Envelope(**({"to": "syt@example.invalid", "message_id": "<1@example.invalid>"} | said))


def chase(*duties, as_of="2025-05-16 08:00:00", contact_name="", **envelope):
    context = ChaseContext(programme=PROGRAMME, contact_name=contact_name, duties=duties, as_of=hanoi(as_of))
    return RENDERER.chase(context, an_envelope(**envelope))


def an_answer(**said):
    usual = {
        "programme": PROGRAMME,
        "unit_name": "Sở Y tế",
        "cycle_title": "Báo cáo 06 tháng năm 2025",
        "short_title": "BC 6T 2025",
        "due_at": hanoi("2025-06-15 00:00:00"),
        "late_at": hanoi("2025-06-17 00:00:00"),
        "received_at": hanoi("2025-06-12 09:15:00"),
        "as_of": hanoi("2025-06-12 09:20:00"),
        "number": "12-2",
        "timeliness": Timeliness.ON_TIME,
        "findings": (),
        "token": TOKEN,
        "has_marked_workbook": False,
        "has_form": False,
        "file_name": "bieu-mau.xlsx",
        "original_subject": "Re: báo cáo",
    }
    return AnswerContext(**(usual | said))


def a_fault(cell="E12", sheet="Số liệu", value="-3"):
    return finding("negative", sheet=sheet, cell=cell, label="Lượt người dự", value=value)


def a_question():
    return finding(
        "jump",
        level=FindingLevel.QUESTION,
        sheet="Số liệu",
        cell="E9",
        label="Tin, bài",
        value="9",
        n_times=3,
        previous="1",
    )


def nothing_known(**said):
    return an_answer(unit_name="", cycle_title="", short_title="", due_at=None, late_at=None, token="", **said)


def an_operators_letter(*troubles):
    context = OperatorContext(programme=PROGRAMME, as_of=hanoi("2025-06-12 09:20:00"), troubles=troubles)
    return RENDERER.operator(context, an_envelope())


def a_digest(kind, **said):
    span = {"since": hanoi("2025-06-11 07:40:00"), "as_of": hanoi("2025-06-12 07:40:00")}
    return RENDERER.digest(kind, DigestContext(programme=PROGRAMME, **(span | said)), an_envelope())


def a_result(**said):
    usual = {
        "programme": PROGRAMME,
        "name": "Sở Tài chính",
        "copied": (),
        "cycle_title": "Báo cáo 06 tháng năm 2025",
        "short_title": "BC 6T 2025",
        "clause": "III.1-c",
        "number": 2,
        "kind": EditionKind.FINAL,
        "as_of": hanoi("2025-07-08 08:00"),
        "n_reported": 70,
        "n_expected": 76,
        "document": "",
        "signed_on": None,
        "replaced": 0,
        "replaced_at": None,
        "files": ("tong-hop.xlsx", "bao-cao.docx"),
        "folder": "results/bc-6t-2025/ban-2",
    }
    return RENDERER.result(ResultContext(**(usual | said)), an_envelope())


def a_member_duty(**said):
    usual = {
        "unit_name": "Sở Y tế",
        "member_code": "uv",
        "programme": PROGRAMME,
        "cycle_code": "bc-6t-2025",
        "cycle_title": "Báo cáo 06 tháng năm 2025",
        "short_title": "BC 6T 2025",
        "asked": Asked.REPORT,
        "due_at": hanoi("2025-06-15 00:00:00"),
        "late_at": hanoi("2025-06-17 00:00:00"),
        "n_letters": 4,
        "contact_name": "Văn phòng Sở",
        "phone": "0204 000 000",
    }
    return MemberDuty(**(usual | said))


def a_members_letter(*duties, names=("Ủy viên phụ trách khối kinh tế",), as_of=RUNGS["urging-1"]):
    context = MemberContext(programme=PROGRAMME, names=names, duties=duties, as_of=hanoi(as_of))
    return RENDERER.member(context, an_envelope())


A_COMING_CYCLE = ComingCycle(
    title="Báo cáo 06 tháng năm 2025",
    short_title="BC 6T 2025",
    opens_at=hanoi("2025-05-16 00:00"),
    due_at=hanoi("2025-06-15 00:00"),
)


def a_roll_call(**said):
    usual = {
        "programme": PROGRAMME,
        "address": "baocao.so-y-te@example.invalid",
        "contact_name": "Văn phòng Sở Y tế",
        "phone": "0204.111.222",
        "units": (AskedUnit(name="Sở Y tế", stand_ins=()),),
        "cycles": (A_COMING_CYCLE,),
        "token": TOKEN,
    }
    return RENDERER.roll_call(RollCallContext(**(usual | said)), an_envelope())


def an_answer_to_several(*forms):
    findings = (a_fault(), finding("attachment_missing", title="Báo cáo đã ký"), a_question())
    usual = (
        (Outcome.ACCEPTED, an_answer(findings=(a_question(),)), "a+b@x.invalid"),
        (Outcome.RETURNED, an_answer(findings=findings), "a+c@x.invalid"),
        (Outcome.RETURNED, an_answer(findings=findings, has_marked_workbook=True), "a+d@x.invalid"),
        (Outcome.QUARANTINED, an_answer(unit_name="Sở Tư pháp"), ""),
        (Outcome.QUARANTINED, nothing_known(findings=(finding("documents_untold", names="a.pdf"),)), ""),
    )
    received_at = hanoi("2025-06-10 09:00")
    context = SeveralContext(programme=PROGRAMME, received_at=received_at, original_subject="", forms=forms or usual)
    return RENDERER.several(context, an_envelope())


def test_a_form_that_is_held_among_others_names_no_unit():
    letter = an_answer_to_several()
    assert letter.subject.endswith("Thư có 5 biểu: 1 đã tiếp nhận, 2 phải sửa hoặc bổ sung, 2 đang được kiểm tra")
    assert "Sở Tư pháp" not in letter.text
    assert "a+c@x.invalid" in letter.text


@pytest.mark.parametrize(
    ("outcome", "reason", "is_all_done"),
    [
        (Outcome.ACCEPTED, None, True),
        (Outcome.QUARANTINED, finding("documents_untold", names="a.pdf"), True),
        (Outcome.QUARANTINED, finding("several_forms"), False),
        (Outcome.RETURNED, a_fault(), False),
        (Outcome.ACCEPTED, a_question(), False),
    ],
)
def test_nothing_is_to_be_done_only_where_nothing_is_asked_for_below(outcome, reason, is_all_done):
    other = an_answer(findings=(reason,) if reason else ())
    letter = an_answer_to_several((Outcome.ACCEPTED, an_answer(), "a+b@x.invalid"), (outcome, other, "a+c@x.invalid"))
    assert ("không phải làm gì thêm" in letter.text) is is_all_done


def letters_to_ourselves():
    for kind in (LetterKind.DAILY, LetterKind.WEEKLY):
        yield a_digest(kind)
        yield a_digest(
            kind,
            came=("BC 6T: tiếp nhận 4",),
            n_came=4,
            went=("thư: 2",),
            due=("Hạn",),
            people=("Việc",),
            n_people=1,
            late=("Trễ",),
        )
    yield an_answer_to_several()
    yield an_answer_to_several((Outcome.ACCEPTED, an_answer(), ""), (Outcome.ACCEPTED, an_answer(), "a+b@x.invalid"))
    yield an_operators_letter("BC 6T · 16/6 (lúc 08 giờ 00): Máy chủ thư không trả lời")


def every_letter():
    yield a_members_letter(a_member_duty(), a_member_duty(unit_name="Sở Nội vụ", contact_name="", n_letters=0))
    yield a_members_letter(a_member_duty(phone=""), a_member_duty(asked=Asked.WORK, cycle_code="x"))
    yield a_result()
    yield a_result(
        copied=("Công an tỉnh",),
        document="12/BC-BCĐ",
        signed_on=date(2025, 7, 9),
        replaced=1,
        replaced_at=hanoi("2025-07-07 08:00"),
        files=(),
    )
    for rung, as_of in RUNGS.items():
        yield chase(a_duty(rung=rung), as_of=as_of)
        yield chase(
            a_duty(rung=rung), an_annual_duty(rung=rung, unit_name="Sở Nội vụ"), as_of=as_of, copies=("m@a.invalid",)
        )
    for rung, as_of in RUNGS.items():
        for facts in KINDS.values():
            yield chase(a_duty(rung=rung, **facts), as_of=as_of)
        yield chase(*(a_duty(rung=rung, **facts) for facts in KINDS.values()), as_of=as_of)
    for asked in Asked:
        if asked is not Asked.MIXED:
            done = finding("done_reported", level=FindingLevel.NOTE, day="08/11/2024")
            yield RENDERER.receipt(an_answer(asked=asked, asks_for_form=False), an_envelope())
            yield RENDERER.receipt(an_answer(asked=asked, findings=(done,)), an_envelope())
            yield RENDERER.returned(an_answer(asked=asked, asks_for_form=False), an_envelope())
    findings = (a_fault(), finding("attachment_missing", title="Báo cáo đã ký"), a_question())
    for answer in (an_answer(findings=findings), nothing_known(findings=findings), nothing_known()):
        yield RENDERER.receipt(answer, an_envelope())
        yield RENDERER.returned(answer, an_envelope())
        yield RENDERER.held(answer, an_envelope())
    confirmed = finding("contact_confirmed", level=FindingLevel.NOTE, address="a@x.invalid", units="Sở Y tế")
    yield RENDERER.receipt(nothing_known(findings=(confirmed,)), an_envelope())
    proposed = finding(
        "contact_proposed", level=FindingLevel.NOTE, address="a@x.invalid", units="Sở Y tế", proposal="Đầu mối mới: B"
    )
    yield RENDERER.held(nothing_known(findings=(proposed,)), an_envelope())
    yield a_roll_call()
    yield a_roll_call(
        units=(AskedUnit(name="Sở Y tế", stand_ins=("Phòng Tổng hợp", "Văn thư")), AskedUnit(name="Hội", stand_ins=())),
        cycles=(A_COMING_CYCLE, A_COMING_CYCLE),
        contact_name="",
        phone="",
    )
    yield from letters_to_ourselves()


def words(text):
    return re.sub(r"[^\w]+", " ", text).casefold().split()


def seen(html):
    """What a reader of the HTML sees, as words; the numbers that a browser puts before items are not in the source."""
    body = re.sub(r"<!--.*?-->", " ", html.partition("<body")[2].partition(">")[2], flags=re.DOTALL)
    return words(unescape(re.sub(r"<[^>]+>", " ", body)))


def written(text):
    return words(re.sub(r"(?m)^\d+\. ", "", text))


@pytest.mark.parametrize("kind", LetterKind)
def test_every_kind_of_letter_has_its_three_templates(kind):
    folder = TEMPLATES / "email" / kind.value
    assert {path.name for path in folder.iterdir()} >= {"subject.txt.j2", "body.txt.j2", "body.html.j2"}


def test_no_letter_has_a_blank_or_a_broken_line():
    for letter in every_letter():
        assert letter.subject.strip() == letter.subject != ""
        assert letter.subject.isprintable()
        for text in (letter.subject, letter.text, letter.html):
            assert not re.search(r"\b(None|Undefined)\b|\{\{|\{%|\(\)|“”|label\.|letter\.", text)
        assert not re.search(r"(?m)^- [^:]+: *$| ,|  ", letter.text)


def test_the_plain_text_says_all_that_the_html_says():
    for letter in every_letter():
        letterhead = words(f"{PROGRAMME.desk.parent_body} {PROGRAMME.desk.issuing_body}")
        numbered = re.sub(r"(<h3[^>]*>)\d+\. ", r"\1", letter.html)
        assert seen(numbered)[len(letterhead) :] == written(letter.text)


@pytest.mark.parametrize(
    ("rung", "subject"),
    [
        ("opening", "[BC 6T 2025] Sở Y tế: đề nghị gửi báo cáo trước ngày 15/6/2025"),
        ("reminder-1", "[BC 6T 2025] Sở Y tế: nhắc gửi báo cáo trước ngày 15/6/2025"),
        ("reminder-2", "[BC 6T 2025] Sở Y tế: sắp hết hạn, đề nghị gửi báo cáo trước ngày 15/6/2025"),
        ("overdue", "[QUÁ HẠN] [BC 6T 2025] Sở Y tế: đề nghị gửi ngay báo cáo quá hạn từ ngày 17/6/2025"),
        ("urging-1", "[ĐÔN ĐỐC LẦN 1] [BC 6T 2025] Sở Y tế: đề nghị gửi ngay báo cáo quá hạn từ ngày 17/6/2025"),
        ("urging-2", "[ĐÔN ĐỐC LẦN 2] [BC 6T 2025] Sở Y tế: đề nghị gửi ngay báo cáo quá hạn từ ngày 17/6/2025"),
        ("a-rung-of-another-plan", "[BC 6T 2025] Sở Y tế: đề nghị gửi báo cáo trước ngày 15/6/2025"),
    ],
)
def test_the_subject_says_which_unit_what_and_until_when(rung, subject):
    assert chase(a_duty(rung=rung), as_of=RUNGS[rung]).subject == f"{subject} [#{TOKEN}]"


def test_the_first_three_lines_say_to_whom_what_until_when_and_how():
    lines = [line for line in chase(a_duty(), contact_name="Văn phòng Sở Y tế").text.splitlines() if line][:3]
    assert lines == [
        "Kính gửi: Sở Y tế (Văn phòng Sở Y tế)",
        f"Đề nghị quý đơn vị gửi Báo cáo 06 tháng năm 2025 (Đề án 835) {DEADLINE}.",
        "Cách gửi: điền biểu mẫu Excel kèm thư này rồi trả lời chính thư này, đính kèm biểu đã điền và Báo cáo đã ký.",
    ]


def test_a_deadline_on_a_saturday_says_that_monday_is_still_accepted():
    text = chase(a_duty()).text
    assert f"- Thời hạn: {DEADLINE}. Ngày cuối của thời hạn là ngày nghỉ:" in text
    assert "đến hết 24 giờ ngày 16/6/2025, Thứ Hai, không bị tính là quá hạn." in text


def test_a_deadline_on_a_friday_says_no_more_than_that():
    text = chase(an_annual_duty(), as_of="2025-10-16 08:00:00").text
    assert "- Thời hạn: trước ngày 15/11/2025 (chậm nhất 24 giờ ngày 14/11/2025, Thứ Sáu)\n" in text


def test_an_extension_is_the_deadline_that_the_unit_reads():
    letter = chase(a_duty(rung="reminder-1", late_at=hanoi("2025-06-21 00:00:00")), as_of=RUNGS["reminder-1"])
    assert "trước ngày 21/6/2025" in letter.subject
    assert "trước ngày 21/6/2025 (chậm nhất 24 giờ ngày 20/6/2025, Thứ Sáu). Đơn vị đã được gia hạn" in letter.text
    assert "15/6/2025 (" not in letter.text


def test_a_unit_that_is_not_late_is_never_told_that_it_is():
    letter = chase(a_duty(rung="urging-1"), as_of="2025-06-16 23:59:59")
    assert "quá hạn từ" not in letter.text
    assert "ĐÔN ĐỐC" not in letter.subject


def test_a_reminder_that_leaves_late_says_since_when_it_is_late():
    letter = chase(a_duty(rung="reminder-2"), as_of="2025-06-17 08:00:00")
    assert letter.subject.startswith("[QUÁ HẠN]")
    assert "quá hạn 1 ngày, kể từ ngày 17/6/2025" in letter.text


def test_a_digest_speaks_of_each_unit_and_puts_each_token_beside_its_own():
    letter = chase(
        a_duty(rung="reminder-1"),
        a_duty(rung="reminder-1", unit_name="Sở Nội vụ", token=OTHER_TOKEN),
        as_of=RUNGS["reminder-1"],
    )
    assert letter.subject == "[BC 6T 2025] Sở Y tế và 1 đơn vị khác: nhắc gửi báo cáo trước ngày 15/6/2025"
    assert token_in_subject(letter.subject) is None
    assert "Mỗi báo cáo gửi bằng một thư riêng" in letter.text
    first, second = letter.text.index(TOKEN), letter.text.index(OTHER_TOKEN)
    assert letter.text.index("1. Sở Y tế") < first < letter.text.index("2. Sở Nội vụ") < second


def test_a_digest_is_as_pressing_as_its_most_pressing_duty():
    letter = chase(a_duty(rung="urging-2"), an_annual_duty(rung="opening"), as_of="2025-10-16 08:00:00")
    assert letter.subject.startswith("[ĐÔN ĐỐC LẦN 2] [BC 6T 2025, BC năm 2025] Sở Y tế:")
    assert "trong 2 báo cáo nêu dưới đây có 1 báo cáo đã quá hạn" in letter.text
    assert "Tình trạng: mới mở kỳ báo cáo" in letter.text


def test_an_opening_says_how_to_answer_without_a_form_and_why_it_is_asked():
    invitation = Attachment(name="bc.ics", media_type="text/calendar", content=b"")
    text = chase(a_duty(), attachments=(invitation,)).text
    assert "bằng một dòng “Không phát sinh”" in text
    assert "bằng một dòng “Hẹn nộp ngày dd/mm/yyyy”" in text
    assert "Mục III.1-c, Kế hoạch ngày 23/9/2024 của Ban Chỉ đạo tỉnh: “Định kỳ" in text
    assert "(.ics)" in text
    assert "Vì sao có thư này: Sở Y tế thuộc diện báo cáo Đề án 835" in text


def test_a_unit_is_told_that_the_member_in_charge_learns_of_it_only_when_one_does():
    words = "được báo cho thành viên Ban Chỉ đạo phụ trách"
    assert words in chase(a_duty(rung="urging-1", is_told_to_member=True), as_of=RUNGS["urging-1"]).text
    assert words not in chase(a_duty(rung="urging-1"), as_of=RUNGS["urging-1"], copies=("m@a.invalid",)).text


def test_estimates_are_asked_for_only_when_the_period_outlasts_the_deadline():
    assert "chọn “Ước”" not in chase(a_duty()).text
    assert "chọn “Ước”" in chase(a_duty(period_end=date(2025, 6, 14 + 16))).text


@given(st.text(max_size=60))
def test_no_name_can_break_a_subject_or_the_html(name):
    letter = chase(a_duty(unit_name=f"{name}<b>"), contact_name=name)
    assert letter.subject.isprintable()
    assert "<b>" not in letter.html.replace(f"<b>{PROGRAMME.desk.issuing_body}", "").replace("<b>Đầu mối hỗ trợ", "")


def test_hostile_facts_of_an_answer_are_shown_as_text_on_one_line():
    answer = an_answer(
        unit_name=HOSTILE,
        file_name=HOSTILE,
        original_subject=HOSTILE,
        findings=(a_fault(value=HOSTILE, sheet=HOSTILE),),
    )
    for render in (RENDERER.receipt, RENDERER.returned, RENDERER.held):
        letter = render(answer, an_envelope())
        assert "<script" not in letter.html
        assert "&lt;script&gt;" in letter.html
        assert letter.subject.isprintable()
        assert not [line for line in letter.text.splitlines() if line.startswith("Bcc")]
        assert not {"\x00", "\u202e", "\r"} & set(letter.text + letter.html)


def test_a_receipt_gives_number_time_and_verdict():
    letter = RENDERER.receipt(an_answer(), an_envelope())
    assert letter.subject == f"[BC 6T 2025] Sở Y tế: đã tiếp nhận báo cáo, số 12-2, đúng hạn [#{TOKEN}]"
    assert "Nhận lúc 09 giờ 15 ngày 12/6/2025, số tiếp nhận 12-2." in letter.text
    assert f"Về thời hạn: Đúng hạn; thời hạn {DEADLINE}" in letter.text


def test_a_receipt_in_grace_says_that_it_is_not_late():
    letter = RENDERER.receipt(an_answer(timeliness=Timeliness.IN_GRACE), an_envelope())
    assert "Trong thời gian gia hạn do ngày nghỉ, không bị tính là quá hạn; thời hạn" in letter.text


def test_a_receipt_asks_its_questions():
    letter = RENDERER.receipt(an_answer(findings=(a_question(),)), an_envelope())
    assert "đề nghị giải trình 1 nội dung" in letter.subject
    assert "1. Số liệu, ô E9: “Tin, bài” (9) chênh hơn 3 lần" in letter.text


def test_a_nil_report_is_acknowledged_as_such():
    nil = an_answer(
        findings=(finding("nil_reported", level=FindingLevel.NOTE),), number="", timeliness=None, file_name=""
    )
    letter = RENDERER.receipt(nil, an_envelope())
    assert letter.subject == f"[BC 6T 2025] Sở Y tế: đã ghi nhận không phát sinh [#{TOKEN}]"
    assert "không phát sinh số liệu trong kỳ Báo cáo 06 tháng năm 2025" in letter.text


def test_a_promise_is_noted_and_moves_no_deadline():
    promise = finding("promise_noted", level=FindingLevel.NOTE, day="20/06/2025")
    letter = RENDERER.receipt(an_answer(findings=(promise,), number="", timeliness=None), an_envelope())
    assert "đã ghi nhận hẹn nộp ngày 20/06/2025" in letter.subject
    assert f"Thời hạn của báo cáo không thay đổi: {DEADLINE}." in letter.text


def test_a_return_counts_what_is_wrong_and_lists_it_by_sheet():
    findings = (
        a_fault(),
        a_fault("E14"),
        finding("narrative_blank", sheet="Phần viết", cell="C8", label="Ưu điểm"),
        finding("attachment_missing", title="Báo cáo đã ký"),
    )
    letter = RENDERER.returned(an_answer(findings=findings, has_marked_workbook=True), an_envelope())
    assert letter.subject.startswith(
        "[BC 6T 2025] Sở Y tế: đề nghị sửa 3 nội dung, bổ sung 1 tài liệu trước ngày 15/6/2025"
    )
    lines = [line for line in letter.text.splitlines() if line]
    assert lines[1].endswith("chưa được tiếp nhận: có 3 nội dung phải sửa và còn thiếu 1 tài liệu.")
    assert lines[2] == f"Đề nghị quý đơn vị hoàn thiện và gửi lại {DEADLINE}."
    assert "các ô phải sửa đã được tô màu" in lines[3]
    places = [
        "Sheet “Số liệu”:",
        "1. ô E12:",
        "2. ô E14:",
        "Sheet “Phần viết”:",
        "3. ô C8:",
        "1. Thiếu tài liệu bắt buộc",
    ]
    found = [letter.text.index(place) for place in places]
    assert found == sorted(found)


def test_a_return_after_the_deadline_asks_for_it_at_once():
    answer = an_answer(findings=(a_fault(),), as_of=hanoi("2025-06-17 00:00:00"))
    letter = RENDERER.returned(answer, an_envelope())
    assert "đề nghị sửa 1 nội dung và gửi lại ngay" in letter.subject
    assert "đề nghị quý đơn vị hoàn thiện và gửi lại ngay." in letter.text


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"has_form": True, "findings": (finding("not_our_form", title="BM 835"),)},
            "điền vào biểu mẫu đúng kèm thư này",
        ),
        ({"findings": (finding("attachment_missing", title="BC"),)}, "đính kèm tài liệu còn thiếu"),
        ({"findings": (a_fault(),)}, "sửa tệp theo các nội dung dưới đây"),
    ],
)
def test_a_return_says_what_is_attached_and_what_to_send_back(said, sentence):
    assert sentence in RENDERER.returned(an_answer(**said), an_envelope()).text


def test_a_held_letter_names_no_unit_and_gives_no_token_away():
    letter = RENDERER.held(an_answer(), an_envelope())
    whole = letter.subject + letter.text + letter.html
    assert "Sở Y tế" not in whole
    assert TOKEN not in whole
    assert "Đã nhận được thư của quý đơn vị lúc 09 giờ 15 ngày 12/6/2025" in letter.text
    assert "không phải làm gì thêm" in letter.text


def test_the_operator_reads_how_many_runs_ended_badly_and_what_each_said():
    letter = an_operators_letter("BC 6T · 16/6: Máy chủ thư không trả lời", "Hộp thư: Sai mật khẩu")
    assert letter.subject == "[Đề án 835] Cần người xử lý: 2 lượt chạy bị lỗi (ngày 12/6/2025)"
    assert "2. Hộp thư: Sai mật khẩu" in letter.text


def test_the_envelope_goes_with_the_letter_unchanged():
    form = Attachment(name="a.xlsx", media_type="application/octet-stream", content=b"x")
    envelope = an_envelope(reply_to="r@a.invalid", copies=("c@a.invalid",), in_reply_to="<0@a>", attachments=(form,))
    letter = RENDERER.held(an_answer(), envelope)
    assert replace(letter, subject="", text="", html="").attachments == (form,)
    assert (letter.to, letter.message_id) == (envelope.to, envelope.message_id)
    assert (letter.reply_to, letter.copies, letter.in_reply_to) == ("r@a.invalid", ("c@a.invalid",), "<0@a>")


def test_the_html_fetches_nothing_from_anywhere():
    for letter in every_letter():
        assert not re.search(r"<img|<link|<script|src=|url\(|https?:", letter.html)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("explanation", "Thông báo kiểm tra: quý đơn vị là đơn vị được kiểm tra theo “Kiểm tra việc phân công"),
        ("plan", "chủ trì, tham mưu ban hành Báo cáo 06 tháng năm 2025 (Đề án 835) và gửi bản đã ký trước ngày"),
        ("work", "chủ trì, phối hợp với Văn phòng UBND tỉnh hoàn thành công việc “Báo cáo 06 tháng năm 2025"),
        ("task", "Giao nhiệm vụ: đề nghị quý đơn vị hoàn thành “Báo cáo 06 tháng năm 2025 (Đề án 835)” trước ngày"),
        ("remedy", "Sau kiểm tra, đề nghị quý đơn vị khắc phục và hoàn thành “Báo cáo 06 tháng năm 2025"),
    ],
)
def test_each_kind_of_duty_is_opened_in_its_own_words(kind, sentence):
    assert sentence in chase(a_duty(**KINDS[kind])).text


@pytest.mark.parametrize("kind", ["plan", "work", "task", "remedy"])
@pytest.mark.parametrize("rung", [rung for rung in RUNGS if rung != "a-rung-of-another-plan"])
def test_a_duty_without_form_is_never_asked_for_a_form_or_for_figures(kind, rung):
    text = chase(a_duty(rung=rung, **KINDS[kind]), as_of=RUNGS[rung]).text
    assert not re.search("[Bb]iểu|Không phát sinh|số liệu phát sinh", text)


def test_an_inspection_says_what_is_looked_into_and_offers_no_nil_report():
    letter = chase(a_duty(**KINDS["explanation"]))
    assert "thông báo kiểm tra, đề nghị gửi báo cáo giải trình trước ngày 15/6/2025" in letter.subject
    assert "- Nội dung kiểm tra: Việc phân công nhiệm vụ, bố trí cán bộ đầu mối" in letter.text
    assert "điền đề cương (tệp Excel kèm thư này)" in letter.text
    assert "Không phát sinh" not in letter.text


def test_a_letter_about_several_kinds_says_of_each_how_it_is_answered():
    letter = chase(a_duty(), a_duty(**KINDS["work"], duty_id=2, token=OTHER_TOKEN))
    assert "Đề nghị thực hiện 2 nội dung nêu dưới đây" in letter.text
    assert "- Cách gửi: điền biểu mẫu Excel kèm thư này" in letter.text
    assert "- Cách gửi: trả lời chính thư này, đính kèm Báo cáo đã ký; hoặc trả lời" in letter.text


def test_a_return_of_a_duty_without_form_counts_documents_alone():
    answer = an_answer(
        asked=Asked.WORK, asks_for_form=False, findings=(finding("attachment_missing", title="Thông báo"),)
    )
    text = RENDERER.returned(answer, an_envelope()).text
    assert "Tài liệu về “Báo cáo 06 tháng năm 2025 (Đề án 835)” của Sở Y tế chưa được tiếp nhận" in text
    assert "biểu" not in text


def test_a_members_letter_says_in_its_first_lines_what_to_do_and_until_when():
    letter = a_members_letter(a_member_duty(), a_member_duty(unit_name="Sở Nội vụ"))
    first = [line for line in letter.text.splitlines() if line][:3]
    assert first[0] == "Kính gửi: Ủy viên phụ trách khối kinh tế"
    assert first[1].startswith("Đề nghị đồng chí đôn đốc 2 đơn vị được phân công phụ trách gửi ngay báo cáo còn thiếu")
    assert DEADLINE in first[1]
    assert first[2].startswith("Cách làm: nhắc lãnh đạo đơn vị")
    assert letter.subject == (
        "[Đề án 835] Đề nghị đôn đốc 2 đơn vị được phân công phụ trách: chưa gửi BC 6T 2025, "
        "thời hạn sớm nhất trước ngày 15/6/2025"
    )


def test_a_members_letter_puts_each_unit_under_its_own_deadline_the_earliest_first():
    work = {"asked": Asked.WORK, "cycle_code": "hn", "cycle_title": "Hội nghị", "short_title": "Hội nghị"}
    early = a_member_duty(due_at=hanoi("2025-06-01 00:00:00"), late_at=hanoi("2025-06-03 00:00:00"), **work)
    extended = a_member_duty(unit_name="Sở Tư pháp", late_at=hanoi("2025-06-18 00:00:00"))
    text = a_members_letter(a_member_duty(), extended, early).text
    places = [text.index(words) for words in ("1. Hội nghị", "2. Báo cáo 06 tháng", "3. Báo cáo 06 tháng")]
    assert places == sorted(places)
    assert "hoàn thành và gửi ngay kết quả còn thiếu" in text
    assert "Sở Tư pháp: quá hạn 2 ngày (từ ngày 18/6/2025)" in text


def test_hostile_names_in_a_members_letter_are_shown_as_text_on_one_line():
    duty = a_member_duty(unit_name=HOSTILE, contact_name=HOSTILE, phone=HOSTILE, cycle_title=HOSTILE, short_title="x")
    letter = a_members_letter(duty, names=(HOSTILE,))
    assert "<script" not in letter.html
    assert not [line for line in letter.text.splitlines() if line.startswith("Bcc")]
    assert not {"\x00", "\u202e", "\r"} & set(letter.text + letter.html)
