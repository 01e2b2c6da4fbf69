"""To look at an arrival before it is kept is to open it: once, by readers that load no more than they need."""

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import Workbook

from models.domain.cycles import plan_cycle
from tasks.adapters.archive import sha256_of
from tasks.adapters.mail_reading import MailReader, secrecy_words
from tasks.adapters.programme import load_programme
from tasks.adapters.secrecy import SecrecyScreen
from tasks.adapters.texts import vietnamese
from tasks.adapters.unpacking import look_and_unpack, look_at, unpack
from tasks.adapters.workbooks import pool
from tasks.adapters.workbooks.pool import GuardedReader
from tasks.adapters.workbooks.stamping import FormTemplate
from tasks.ports import Brought, StampOrder, Stored
from tasks.settings import LimitSettings

LIMITS = LimitSettings()
ROOT = Path(__file__).resolve().parents[2]
PROGRAMME = ROOT / "deployments" / "de_an_835"
A_MAIN_MODULE = """
from pathlib import Path

Path({path!r}).open("a").write(__name__ + "\\n")

if __name__ == "__main__":
    from tasks.adapters.workbooks.pool import GuardedReader
    from tasks.settings import LimitSettings

    reader = GuardedReader(LimitSettings(workers=1))
    print(reader.in_a_worker(eval, ("__import__('sys').modules.get('numpy')",), 20).result())
    reader.close()
"""


@pytest.fixture(scope="module")
def form():
    programme = load_programme(PROGRAMME)
    cycle = plan_cycle(programme, programme.obligation("O-20"), 2026)
    template = FormTemplate.build(cycle, programme, vietnamese())
    return template.stamp(StampOrder(unit_code="so-y-te", unit_name="Sở Y tế", token="0123456789abcdef"))


@pytest.fixture(scope="module")
def reader():
    guarded = GuardedReader(LimitSettings(workers=1))
    yield guarded
    guarded.close()


def archive_of(**members: bytes) -> bytes:
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            for name, content in members.items():
                package.writestr(name, content)
        return target.getvalue()


def a_letter_in_word(text: str) -> bytes:
    return archive_of(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": f"<w:p>{text}</w:p>".encode()})


def brought(content: bytes, name: str) -> Brought:
    return Brought(content=content, is_mail=False, file_name=name)


def no_worker(*_: object) -> None:
    raise AssertionError("a worker was asked for what is known")


def test_what_was_looked_at_is_not_opened_again(form, reader, monkeypatch):
    arrivals = [brought(form, "bm.xlsx"), brought(archive_of(**{"bm.xlsx": form, "ký.pdf": b"%PDF-1.7"}), "hồ sơ.zip")]
    list(reader.look(arrivals))
    with monkeypatch.context() as patched:
        patched.setattr(reader, "in_a_worker", no_worker)
        first, second = reader.unpack(arrivals)
    assert first.forms == second.forms
    assert first.forms[0].form.stamp is not None
    assert [file.name for file in second.enclosures.documents] == ["ký.pdf"]


def test_what_was_looked_at_is_found_by_what_the_archive_has_of_it_once(form, reader):
    arrival = brought(archive_of(**{"bm.xlsx": form, "ký.pdf": b"%PDF-1.7"}), "hồ sơ.zip")
    stored = Stored(digest=sha256_of(arrival.content), is_mail=False, file_name="hồ sơ.zip")
    list(reader.look([arrival]))
    assert reader.recall(replace(stored, file_name="hồ sơ khác.zip")) is None
    found = reader.recall(stored)
    assert found.forms[0].form.stamp is not None
    assert reader.recall(stored) is None


def test_of_the_files_only_the_forms_come_back_with_their_bytes(form, reader):
    (found,) = reader.unpack([brought(archive_of(**{"bm.xlsx": form, "ký.pdf": b"%PDF-1.7"}), "hồ sơ.zip")])
    assert [file.content for file in found.enclosures.workbooks] == [form]
    assert [file.content for file in (*found.enclosures.documents, *found.mail.files)] == [b"", b""]


def test_what_was_asked_for_once_is_opened_when_it_is_asked_for_again(form, reader):
    arrival = brought(form, "bm.xlsx")
    list(reader.look([arrival]))
    assert reader.unpack([arrival]) == reader.unpack([arrival])


def test_an_arrival_that_was_never_looked_at_stands_among_those_that_were_in_its_order(form, reader):
    arrivals = [brought(form, f"{number}.xlsx") for number in range(3)]
    list(reader.look([arrivals[0], arrivals[2]]))
    assert [each.mail.files[0].name for each in reader.unpack(arrivals)] == ["0.xlsx", "1.xlsx", "2.xlsx"]


def test_past_the_limit_the_oldest_is_let_go_of_and_opened_again(form, reader, monkeypatch):
    monkeypatch.setattr(pool, "OCTETS_KEPT_OPEN", len(form))
    arrivals = [brought(form, "first.xlsx"), brought(form, "last.xlsx")]
    list(reader.look(arrivals))
    with monkeypatch.context() as patched:
        patched.setattr(reader, "in_a_worker", no_worker)
        (last,) = reader.unpack(arrivals[1:])
        with pytest.raises(AssertionError, match="a worker was asked"):
            reader.unpack(arrivals[:1])
    assert last.mail.files[0].name == "last.xlsx"


def test_of_what_bears_a_marking_nothing_comes_back_and_nothing_is_remembered(reader, monkeypatch):
    secret = brought(archive_of(**{"a.docx": a_letter_in_word("TUYỆT MẬT")}), "hồ sơ.zip")
    (look,) = reader.look([secret])
    assert look.is_secret
    monkeypatch.setattr(reader, "in_a_worker", no_worker)
    with pytest.raises(AssertionError, match="a worker was asked"):
        reader.unpack([secret])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Công văn MẬT.pdf", b"%PDF-1.7"),
        ("cv.docx", a_letter_in_word("MẬT")),
        ("cv.docx", a_letter_in_word("Mật khẩu")),
        ("a.zip", archive_of(**{"MẬT.docx": a_letter_in_word("x")})),
        ("a.zip", archive_of(**{"a.docx": a_letter_in_word("MẬT"), "b.pdf": b"%PDF-1.7"})),
        ("a.zip", archive_of(**{"b.zip": archive_of(a=b"MAT")})),
        (
            "bm.xlsx",
            archive_of(**{"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": "<is>MẬT</is>".encode()}),
        ),
        ("bm.xlsx", b"PK\x03\x04 cut off"),
        ("trống.xlsx", b""),
    ],
)
def test_opening_at_once_finds_what_looking_and_then_opening_found(name, content):
    reader, screen = MailReader(vietnamese(), LIMITS), SecrecyScreen(secrecy_words(vietnamese()), LIMITS)
    arrival = brought(content, name)
    look, unpacked = look_and_unpack(arrival, reader, screen, LIMITS)
    assert look == look_at(arrival, reader, screen, LIMITS)
    assert unpacked == (None if look.is_secret else unpack(arrival, reader, LIMITS))


def test_a_form_is_read_the_same_whether_or_not_it_was_looked_at(form):
    reader, screen = MailReader(vietnamese(), LIMITS), SecrecyScreen(secrecy_words(vietnamese()), LIMITS)
    _, unpacked = look_and_unpack(brought(form, "bm.xlsx"), reader, screen, LIMITS)
    assert unpacked == unpack(brought(form, "bm.xlsx"), reader, LIMITS)


def test_a_reader_runs_no_main_module_of_ours_and_has_no_numpy(tmp_path):
    """In a scheduled run the main module is Prefect's engine, which takes longer to load than forms to be read."""
    seen, script = tmp_path / "seen", tmp_path / "main_module.py"
    script.write_text(A_MAIN_MODULE.format(path=str(seen)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "None"
    assert seen.read_text(encoding="utf-8").split() == ["__main__"]


def a_slow_pdf() -> bytes:
    """Three pages of small print, which take a reader of text seconds."""
    page = b"BT /F1 1 Tf " + b"".join(b"(%d) Tj " % (number * 7919 % 99_991) for number in range(80_000)) + b"ET"
    kids = b" ".join(b"%d 0 R" % number for number in (3, 4, 5))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 3/Kids[" + kids + b"]>>",
        *[b"<</Type/Page/Parent 2 0 R/Contents 6 0 R/Resources<</Font<</F1 7 0 R>>>>>>"] * 3,
        b"<</Length %d>>stream\n" % len(page) + page + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj" % number + content + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(body))
    return body + head + table + trailer


def test_a_file_that_kills_its_reader_hides_no_marking_that_stands_beside_it():
    guarded = GuardedReader(LimitSettings(workers=1, worker_seconds=0.2))
    beside = archive_of(**{"bao-cao.pdf": a_slow_pdf(), "ke-hoach.docx": a_letter_in_word("MẬT")})
    plain = archive_of(**{"bao-cao.pdf": a_slow_pdf(), "ke-hoach.docx": a_letter_in_word("Kế hoạch")})
    try:
        looks = list(guarded.look([brought(beside, "a.zip"), brought(plain, "b.zip"), brought(b"x", "MẬT.txt")]))
    finally:
        guarded.close()
    assert [look.is_secret for look in looks] == [True, False, True]


def a_workbook(sheets: dict[str, bytes], **others: bytes) -> bytes:
    workbook = Workbook()
    with io.BytesIO() as plain:
        workbook.save(plain)
        with zipfile.ZipFile(plain) as package:
            members = {name: package.read(name) for name in package.namelist() if "worksheets" not in name}
    return archive_of(**{f"xl/worksheets/{name}": part for name, part in sheets.items()}, **(members | others))


def is_marked(content: bytes) -> bool:
    reader, screen = MailReader(vietnamese(), LIMITS), SecrecyScreen(secrecy_words(vietnamese()), LIMITS)
    look, _ = look_and_unpack(brought(content, "bm.xlsx"), reader, screen, LIMITS)
    return look.is_secret


def test_parts_without_text_take_no_place_among_those_that_are_looked_at():
    sheets = {f"_rels/sheet{number}.xml.rels": b"<Relationships/>" for number in range(1, 32)}
    sheets |= {f"sheet{number}.xml": b"<worksheet><sheetData/></worksheet>" for number in range(1, 32)}
    strings = {"xl/sharedStrings.xml": "<sst><si><t>MẬT</t></si></sst>".encode()}
    assert is_marked(a_workbook(sheets, **strings))
    assert not is_marked(a_workbook(sheets))


def test_a_marking_after_a_number_in_its_row_is_found():
    row = '<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="inlineStr"><is><t>MẬT</t></is></c></row>'
    assert is_marked(a_workbook({"sheet1.xml": f"<worksheet><sheetData>{row}</sheetData></worksheet>".encode()}))
