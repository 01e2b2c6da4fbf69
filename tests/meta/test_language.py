"""Vietnamese lives in the templates and the programme's folder, correctly spelled; code is English."""

import ast
import unicodedata
import zipfile
from pathlib import Path

import pytest

from tests.meta.source_code import ROOT, spoken_texts, trees

SLIPS = (
    "tinh đến cơ sở",
    "cẩn cứ",
    "phân đấu",
    "đặc điểm tình thực tế",
    "thể trạng an ninh",
    "Noi nhận",
    "NC.Bên",
)
"""What a scanner made of the plan's words; none may reach a letter."""
LETTERS_AS_DATA = {"models/domain/tcvn3.py", "models/domain/vietnamese.py", "models/domain/reading.py"}
"""Modules whose business is the letters themselves: tables of single letters, never words."""
TEXT_FILES = {".yaml", ".json", ".csv", ".j2", ".html", ".txt", ".md", ".css", ".svg"}
OFFICE_FILES = {".docx", ".xlsx"}


def _written() -> list[Path]:
    folders = (ROOT / "templates", ROOT / "deployments")
    return [
        path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in TEXT_FILES | OFFICE_FILES
    ]


def _text_of(path: Path) -> str:
    if path.suffix in TEXT_FILES:
        return unicodedata.normalize("NFC", path.read_text("utf-8"))
    with zipfile.ZipFile(path) as package:
        parts = [package.read(name).decode("utf-8") for name in package.namelist() if name.endswith(".xml")]
    return unicodedata.normalize("NFC", "\n".join(_without_tags(part) for part in parts))


def _without_tags(markup: str) -> str:
    """Return the text of a part with its runs joined, for a word processor splits words as it likes."""
    text, is_tag = [], False
    for letter in markup:
        is_tag = letter == "<" or (is_tag and letter != ">")
        if not is_tag and letter != ">":
            text.append(letter)
    return "".join(text)


def test_there_are_texts_to_look_at():
    suffixes = {path.suffix for path in _written()}
    assert {".docx", ".xlsx", ".yaml"} <= suffixes


@pytest.mark.parametrize("path", _written(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_slip_of_the_scanner_reaches_a_text(path):
    text = _text_of(path).casefold()
    assert [slip for slip in SLIPS if slip.casefold() in text] == []


@pytest.mark.parametrize("path", _written(), ids=lambda path: str(path.relative_to(ROOT)))
def test_texts_are_composed_letters_without_leftovers_of_an_old_font(path):
    text = _text_of(path)
    assert not any(0x2FF < ord(letter) < 0x370 for letter in text), "a tone mark stands alone"
    assert "\ufffd" not in text


def test_no_word_of_vietnamese_stands_in_code():
    found = [
        f"{path}:{node.lineno}: {node.value}"
        for path, tree in trees().items()
        for node in spoken_texts(tree)
        if any(letter.isalpha() and not letter.isascii() for letter in node.value)
        and not (len(node.value) == 1 or (str(path) in LETTERS_AS_DATA and _is_table_of_letters(node.value)))
    ]
    assert found == []


def _is_table_of_letters(text: str) -> bool:
    return " " not in text and len(set(text.casefold())) == len(text)


def test_mail_leaves_by_one_door_only():
    imported = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "smtplib" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "smtplib")
    ]
    assert imported == []
