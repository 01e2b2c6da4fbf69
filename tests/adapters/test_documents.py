from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from docx import Document

from models.domain.editions import Narrative
from tasks.adapters.documents import (
    MissingDocumentError,
    OfficialLetter,
    listed_units,
    write_official_letter,
    write_report,
)
from tasks.adapters.texts import Texts
from tests.adapters.compilations import a_compilation

TEXTS = Texts.load()
LETTERS = ("cong_van_don_doc_1", "cong_van_don_doc_2", "van_ban_phe_binh")


def a_letter(content=None) -> OfficialLetter:
    content = content or a_compilation()
    return OfficialLetter(
        programme=content.programme,
        obligation=content.obligation,
        cycle=content.cycle,
        as_of=content.edition.as_of,
        missing=content.missing,
        new_due_at=content.cycle.due_at + timedelta(days=16),
    )


def report_bytes(**changes) -> bytes:
    target = BytesIO()
    write_report(target, a_compilation(**changes), TEXTS)
    return target.getvalue()


def letter_bytes(template: str, letter: OfficialLetter | None = None) -> bytes:
    target = BytesIO()
    write_official_letter(target, template, letter or a_letter(), TEXTS)
    return target.getvalue()


def words(docx: bytes) -> str:
    document = Document(BytesIO(docx))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    headers = [p.text for s in document.sections for h in (s.first_page_header, s.header) for p in h.paragraphs]
    return "\n".join([*headers, *(p.text for p in document.paragraphs), *cells])


def test_the_report_is_laid_out_as_decree_30_2020_asks():
    document = Document(BytesIO(report_bytes()))
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    margins = [round(side.mm) for side in (section.top_margin, section.bottom_margin, section.left_margin)]
    assert (*margins, round(section.right_margin.mm)) == (20, 20, 30, 15)
    assert section.different_first_page_header_footer
    assert document.styles["Normal"].font.name == "Times New Roman"


def test_the_report_says_edition_instant_and_how_many_units_it_comes_from():
    told = words(report_bytes())
    assert "BẢN TẠM TÍNH, bản số 2, tính đến 16 giờ 05 ngày 25/6/2025" in told
    assert "33/40 đơn vị" in told


def test_numbers_and_signers_are_left_to_people():
    for docx in (report_bytes(), *map(letter_bytes, LETTERS)):
        told = words(docx)
        assert "Số:        /" in told
        assert "ngày        tháng 6 năm 2025" in told


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "A & B < C > D", "{{ 7 * 7 }}", "{% for x in y %}", "<w:p/>"])
def test_what_a_unit_wrote_survives_as_text(text):
    narrative = Narrative(section="I", unit_code="u", unit_name=f"Sở {text}", text=f"{text}\nđoạn sau")
    told = words(report_bytes(narratives=[narrative]))
    assert f"- Sở {text}: {text}" in told
    assert "đoạn sau" in told


def test_control_characters_do_not_stop_the_report():
    narrative = Narrative(section="I", unit_code="u", unit_name="Sở", text="một\x00hai\x0c")
    assert "mộthai" in words(report_bytes(narratives=[narrative]))


def test_a_narrative_stands_in_the_part_its_section_belongs_to():
    narrative = Narrative(section="III.2", unit_code="u", unit_name="Sở", text="Còn chậm.")
    told = words(report_bytes(narratives=[narrative]))
    assert told.index("III. ĐÁNH GIÁ CHUNG") < told.index("2. Hạn chế, tồn tại") < told.index("IV. PHƯƠNG HƯỚNG")


def told_by(n, text, section="I"):
    return [Narrative(section=section, unit_code=f"u{k}", unit_name=f"Đơn vị {k}", text=text) for k in range(1, n + 1)]


def test_what_several_units_wrote_alike_stands_once_with_all_their_names():
    alike = told_by(3, "Đã ban hành kế hoạch.\n\nĐã quán triệt.")
    alike[1] = replace(alike[1], text=" Đã ban hành kế hoạch.\r\nĐã quán triệt. ")
    other = Narrative(section="I", unit_code="x", unit_name="Sở", text="Đã quán triệt.")
    told = words(report_bytes(narratives=[alike[0], other, *alike[1:], *told_by(1, "Còn chậm.", "III.2")]))
    assert told.count("Đã ban hành kế hoạch.") == 1
    first = told.index("- Đơn vị 1; Đơn vị 2; Đơn vị 3: Đã ban hành kế hoạch.\nĐã quán triệt.")
    assert first < told.index("- Sở: Đã quán triệt.") < told.index("- Đơn vị 1: Còn chậm.")


def test_many_units_that_wrote_alike_are_counted_and_a_few_of_them_named():
    told = words(report_bytes(narratives=told_by(45, "Đã ban hành kế hoạch.")))
    assert "- 45 đơn vị (Đơn vị 1; Đơn vị 2; Đơn vị 3; Đơn vị 4; Đơn vị 5; Đơn vị 6; …): Đã ban hành kế hoạch." in told
    assert "Đơn vị 7" not in told


def test_with_nobody_missing_the_annex_says_so():
    assert "Không có đơn vị nào chưa nộp báo cáo." in words(report_bytes(missing=()))


def test_equal_contents_give_equal_bytes():
    assert report_bytes() == report_bytes()
    assert letter_bytes(LETTERS[0]) == letter_bytes(LETTERS[0])


@pytest.mark.parametrize("template", LETTERS)
def test_an_official_letter_is_a_draft_that_states_the_instant_the_list_and_the_new_limit(template):
    told = words(letter_bytes(template))
    assert "DỰ THẢO" in told
    assert "Tính đến 16 giờ 05 ngày 25/6/2025, Ban Chỉ đạo chưa nhận được báo cáo của 04 đơn vị" in told
    assert "trước ngày 01/7/2025" in told
    assert "Đơn vị thứ 2" in told


def test_an_extended_unit_is_not_named_in_an_official_letter():
    letter = a_letter()
    assert "dv-00005" in {unit.row.unit_code for unit in letter.missing}
    assert "dv-00005" not in {unit.row.unit_code for unit in listed_units(letter.missing)}
    assert "Đơn vị thứ 6" not in words(letter_bytes(LETTERS[1], letter))


def test_a_letter_without_a_template_is_an_error_that_names_those_there_are():
    with pytest.raises(MissingDocumentError, match="van_ban_phe_binh"):
        letter_bytes("../../etc/passwd")
