"""The files of a mail are sorted by what they are, whatever they are called."""

import io
import zipfile

import pytest
from openpyxl import Workbook

from deployments.simulated_units import signed_copy
from models.domain.plan import AttachmentRule
from tasks.adapters.enclosures import attachments_brought, sort_enclosures
from tasks.ports import MailFile
from tasks.settings import LimitSettings

PDF = signed_copy("so-y-te")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def workbook():
    with io.BytesIO() as target:
        Workbook().save(target)
        return target.getvalue()


def package(**members):
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "/").replace("_", "."), content)
        return target.getvalue()


def names(*files):
    found = sort_enclosures(
        [MailFile(name=name, media_type="", content=content) for name, content in files], LimitSettings()
    )
    return [[file.name for file in group] for group in (found.workbooks, found.documents, found.others)]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("bieu.xlsx", workbook(), 0),
        ("khong-duoi", workbook(), 0),
        ("bao-cao.pdf", PDF, 1),
        ("bao-cao.xlsx", PDF, 1),
        ("cu.xls", OLE, 0),
        ("khong-duoi", OLE, 0),
        ("cong-van.doc", OLE, 2),
        ("cong-van.docx", package(word__document_xml=b"<w/>"), 2),
        ("hong.xlsx", b"PK\x03\x04 cut off", 0),
        ("bieu.xlsx", b"not a workbook", 0),
        ("anh.png", b"\x89PNG", 2),
    ],
)
def test_a_file_is_taken_for_what_it_is(name, content, place):
    assert names((name, content))[place] == [name]


def test_an_archive_is_opened():
    archive = package(a_xlsx=workbook(), c_pdf=PDF, d_txt=b"xin chao")
    assert names(("goi.zip", archive)) == [["a.xlsx"], ["c.pdf"], ["d.txt"]]


def test_an_archive_within_an_archive_is_answered_and_not_opened():
    archive = package(a_xlsx=workbook(), d_zip=package(b_xlsx=workbook()))
    found = sort_enclosures([MailFile(name="goi.zip", media_type="", content=archive)], LimitSettings())
    assert [finding.code for finding in found.findings] == ["archive_is_nested"]


def test_one_document_settles_one_rule_in_the_order_of_the_rules():
    rules = [AttachmentRule(code="report", title="Báo cáo"), AttachmentRule(code="plan", title="Kế hoạch")]
    document = MailFile(name="a.pdf", media_type="", content=PDF)
    assert attachments_brought(rules, [document]) == {"report"}
    assert attachments_brought(rules, [document, document]) == {"report", "plan"}


def test_files_keep_the_archive_and_the_folders_that_they_lay_in():
    pack = package(**{"Sở Y tế/bieu.xlsx": workbook(), "Sở Y tế/ky/ky.pdf": PDF, "ky.pdf": PDF})
    file = MailFile(name="tat ca.zip", media_type="", content=pack, place=("mail 1",))
    sorted_files = sort_enclosures([file], LimitSettings())
    assert [(each.name, each.place[2:]) for each in sorted_files.documents] == [
        ("ky.pdf", ("Sở Y tế", "ky")),
        ("ky.pdf", ()),
    ]
    assert sorted_files.workbooks[0].place == ("mail 1", "0 tat ca.zip", "Sở Y tế")
