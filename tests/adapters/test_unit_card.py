"""The card for unit clerks: one page, true to the plan, and every line it teaches is one the program understands."""

import re
import shutil
from datetime import date
from html import unescape

import pytest
from playwright.sync_api import sync_playwright

from models.domain.replies import DAYS_A_PROMISE_MAY_REACH, read_reply
from tasks.adapters.mail_reading import reply_phrases
from tasks.adapters.programme import load_programme
from tasks.adapters.texts import vietnamese
from tasks.adapters.unit_card import unit_card
from tasks.settings import PROJECT
from tests.run_forms import QUIET

PROGRAMME = load_programme(PROJECT / "deployments" / "de_an_835")
YEAR = 2026
CARD = unit_card(PROGRAMME, YEAR, vietnamese())
FOR_A_PERSON = {"Đầu mối mới: họ tên, địa chỉ thư, điện thoại"}


def taught():
    return [unescape(line) for line in re.findall(r"<code>(.*?)</code>", CARD)]


def test_the_card_in_the_guides_is_the_one_that_the_plan_makes():
    assert (PROJECT / "docs" / "huong-dan-don-vi.html").read_text("utf-8") == CARD


def test_the_card_has_the_deadlines_of_the_year_and_whom_to_ask():
    assert "trước ngày 15/6/2026 (chậm nhất 24 giờ ngày 14/6/2026, Chủ nhật" in CARD
    assert "trước ngày 15/11/2026" in CARD
    assert PROGRAMME.desk.phone in CARD
    assert PROGRAMME.desk.address in CARD


def test_the_card_promises_no_more_than_the_program_takes():
    assert "bất kỳ thư nhắc" not in CARD, "only answers to a roll-call are read for a new contact"
    assert f"không quá {DAYS_A_PROMISE_MAY_REACH} ngày" in CARD


@pytest.mark.parametrize("line", sorted(set(taught()) - FOR_A_PERSON))
def test_every_line_the_card_teaches_is_understood(line):
    text = line.replace("…", "Số liệu tăng do mở rộng địa bàn tuyên truyền.")
    assert read_reply(text, phrases=reply_phrases(vietnamese()), today=date(YEAR, 6, 10)) is not None
    assert len(taught()) == 5


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (Debian: chromium)")
def test_the_card_is_one_sheet_of_a4_and_fits_a_phone():
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.set_content(CARD)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        printed = page.pdf(format="A4", prefer_css_page_size=True)
        browser.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
