"""Decree 30/2020, appendix I, point by point over the XML of every paper that is drafted for a signature."""
# ruff: noqa: SLF001 - python-docx shows the XML of a paragraph or a row nowhere else

import re
from io import BytesIO

import pytest
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH

from tasks.adapters.inspection_papers import write_conclusion, write_decision, write_notice
from tests.adapters.test_documents import LETTERS, TEXTS, letter_bytes, report_bytes
from tests.adapters.test_inspection_papers import FOUND, PAPER, PROGRAMME, UNIT
from tests.adapters.test_review_papers import commendations, lowering

CENTRE, JUSTIFY = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY
NATION, MOTTO = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"
NAMES_OF_PAPERS = {"BÁO CÁO", "QUYẾT ĐỊNH", "THÔNG BÁO", "TỜ TRÌNH"}


def _inspection(write, *arguments):
    target = BytesIO()
    write(target, PAPER, *arguments, TEXTS)
    return target.getvalue()


PAPERS = {
    "report": report_bytes,
    **{name: lambda name=name: letter_bytes(name) for name in LETTERS},
    "decision": lambda: _inspection(write_decision),
    "notice": lambda: _inspection(write_notice, UNIT, PROGRAMME.forms["dc_kt_835"]),
    "conclusion": lambda: _inspection(write_conclusion, FOUND),
    "commendation": commendations,
    "lowering": lowering,
}


@pytest.fixture(scope="module", params=PAPERS)
def paper(request):
    return Document(BytesIO(PAPERS[request.param]()))


def in_cells(document):
    return [line for table in document.tables for row in table.rows for cell in row.cells for line in cell.paragraphs]


def lines_of(document):
    return [line for line in (*document.paragraphs, *in_cells(document)) if line.text.strip()]


def the_line(document, start):
    """Return the only line that begins so."""
    found = {line._p: line for line in lines_of(document) if line.text.strip().replace("\xa0", " ").startswith(start)}
    assert len(found) == 1, (start, [line.text for line in found.values()])
    return next(iter(found.values()))


def looks(line):
    """Return sizes in points, and whether all of it is bold, and italic."""
    runs = [run for run in line.runs if run.text.strip()]
    return {run.font.size.pt for run in runs}, all(run.bold for run in runs), all(run.italic for run in runs)


def holds(line, sizes, *, bold=False, italic=False):
    found, is_bold, is_italic = looks(line)
    return found <= set(sizes) and (is_bold, is_italic) == (bold, italic)


def body_of(document):
    """Return the running text; a note beneath a table is in italics and smaller."""
    justified = [line for line in document.paragraphs if line.text.strip() and line.alignment is JUSTIFY]
    return [line for line in justified if not looks(line)[2]]


def test_the_paper_is_a4_with_the_margins_of_the_decree(paper):
    for section in paper.sections:
        assert sorted((round(section.page_width.mm), round(section.page_height.mm))) == [210, 297]
        assert 20 <= round(section.top_margin.mm) <= 25
        assert 20 <= round(section.bottom_margin.mm) <= 25
        assert 30 <= round(section.left_margin.mm) <= 35
        assert 15 <= round(section.right_margin.mm) <= 20


def test_every_letter_is_black_times_new_roman(paper):
    assert paper.styles["Normal"].font.name == "Times New Roman"
    xml = paper.element.xml
    assert set(re.findall(r'w:rFonts [^>]*w:ascii="([^"]+)"', xml)) <= {"Times New Roman"}
    assert set(re.findall(r'<w:color w:val="([^"]+)"', xml)) <= {"000000", "auto"}


def test_the_page_number_stands_in_the_middle_of_the_top_margin_but_not_on_the_first_page(paper):
    section = paper.sections[0]
    assert section.different_first_page_header_footer
    (number,) = [line for line in section.header.paragraphs if "PAGE" in line._p.xml]
    assert number.alignment is CENTRE
    assert set(re.findall(r'<w:sz w:val="(\d+)"', number._p.xml)) <= {"26", "28"}
    assert not any("PAGE" in line._p.xml for line in section.first_page_header.paragraphs)
    assert not any("PAGE" in line._p.xml for line in section.footer.paragraphs)


def test_nation_and_motto_stand_at_the_head_with_a_rule_beneath(paper):
    head = [line for row in paper.tables[0].rows for cell in row.cells for line in cell.paragraphs]
    nation, motto = (next(line for line in head if line.text.strip() == text) for text in (NATION, MOTTO))
    assert holds(nation, (12, 13), bold=True)
    assert holds(motto, (13, 14), bold=True)
    assert nation.alignment is motto.alignment is CENTRE
    assert has_rule(paper, motto)


def has_rule(paper, line):
    """Say whether a line is drawn beneath: a border, or a drawn line, of this paragraph or the next."""
    lines = [each._p for each in (*paper.paragraphs, *in_cells(paper))]
    place = next(n for n, each in enumerate(lines) if each is line._p)
    return any(mark in each.xml for each in lines[place : place + 2] for mark in ("w:pBdr", "w:drawing", "w:pict"))


def test_the_issuing_body_stands_under_its_parent_which_is_not_bold(paper):
    parent, issuer = paper.tables[0].rows[0].cells[0].paragraphs[:2]
    assert parent.text == parent.text.upper()
    assert holds(parent, (12, 13))
    assert issuer.text == issuer.text.upper()
    assert holds(issuer, (12, 13), bold=True)


def test_a_report_bears_the_symbol_of_its_kind_and_body_and_a_letter_that_of_body_and_drafter():
    report, letter = (Document(BytesIO(each())) for each in (report_bytes, PAPERS["cong_van_don_doc_1"]))
    assert the_line(report, "Số:").text.endswith("/BC-BCĐ")
    assert the_line(letter, "Số:").text.endswith("/BCĐ-CAT")


def test_number_place_and_date_are_left_open_in_their_places(paper):
    number = the_line(paper, "Số:")
    assert holds(number, (13,))
    assert re.search(r"Số:\s+/\S+$", number.text)
    (day,) = [line for line in in_cells(paper) if re.search(r", ngày\s+tháng", line.text)]
    assert holds(day, (13, 14), italic=True)
    assert re.search(r"ngày\s+tháng (0[12]|[3-9]|1[0-2]|\s+) năm", day.text)


def test_the_kind_of_paper_and_its_subject_are_in_the_middle_or_under_the_number(paper):
    names = [line for line in paper.paragraphs if line.text.strip() in NAMES_OF_PAPERS]
    if not names:
        assert holds(the_line(paper, "V/v"), (12, 13))
        return
    name = names[0]
    assert holds(name, (13, 14), bold=True)
    assert name.alignment is CENTRE
    place = next(n for n, line in enumerate(paper.paragraphs) if line._p is name._p)
    subject = next(line for line in paper.paragraphs[place + 1 :] if line.text.strip())
    assert holds(subject, (13, 14), bold=True)
    assert subject.alignment is CENTRE


def test_the_running_text_is_justified_indented_and_spaced(paper):
    body = body_of(paper)
    assert body
    for line in body:
        form = line.paragraph_format
        assert looks(line)[0] <= {13, 14}, line.text
        assert 1 <= round(form.first_line_indent.cm, 2) <= 1.27, line.text
        assert (form.space_after.pt if form.space_after else 0) + (
            form.space_before.pt if form.space_before else 0
        ) >= 6
        spacing = form.line_spacing or paper.styles["Normal"].paragraph_format.line_spacing
        assert 1 <= spacing <= 1.5


def test_the_text_ends_with_the_mark_of_its_end(paper):
    assert [line for line in body_of(paper) if line.text.rstrip().endswith("./.")]


def test_recipients_are_listed_in_small_letters_and_the_last_is_the_archive(paper):
    heading = the_line(paper, "Nơi nhận:")
    assert holds(heading, (12,), bold=True, italic=True)
    cell = next(cell for table in paper.tables for row in table.rows for cell in row.cells if "Nơi nhận:" in cell.text)
    listed = [line for line in cell.paragraphs if line.text.strip().startswith("-")]
    assert all(holds(line, (11,)) for line in listed)
    assert [line.text.rstrip()[-1] for line in listed] == [";"] * (len(listed) - 1) + ["."]
    assert listed[-1].text.strip().startswith("- Lưu: VT")


def test_the_signature_has_its_authority_in_bold_capitals_and_no_name(paper):
    row = next(row for table in paper.tables for row in table.rows if "Nơi nhận:" in row.cells[0].text)
    authority, *rest = [line for line in row.cells[-1].paragraphs if line.text.strip()]
    assert authority.text == authority.text.upper()
    assert holds(authority, (13, 14), bold=True)
    assert all(line.text == line.text.upper() for line in rest)


def test_no_table_row_is_torn_and_every_long_table_repeats_its_head(paper):
    tables = [table for table in paper.tables[1:] if "Nơi nhận:" not in table.rows[0].cells[0].text]
    for table in tables:
        if len(table.rows) > 1:
            assert "w:tblHeader" in table.rows[0]._tr.xml, table.rows[0].cells[0].text
