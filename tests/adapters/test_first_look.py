"""To look at an arrival before it is kept is to open it: once, by readers that load no more than they need."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from models.domain.cycles import plan_cycle
from tasks.adapters.mail_reading import MailReader, secrecy_words
from tasks.adapters.programme import load_programme
from tasks.adapters.secrecy import SecrecyScreen
from tasks.adapters.texts import vietnamese
from tasks.adapters.unpacking import look_and_unpack, look_at, unpack
from tasks.adapters.workbooks import pool
from tasks.adapters.workbooks.pool import GuardedReader
from tasks.adapters.workbooks.stamping import FormTemplate
from tasks.ports import Brought, StampOrder
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
