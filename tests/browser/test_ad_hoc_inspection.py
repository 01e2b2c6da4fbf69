"""An inspection started in Prefect's pages as an operator starts one: the form is filled, units have their notice."""

import json
import shutil
import urllib.error
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from deployments.postoffice import PostOffice, mails_for, write_now
from tests.builders import hanoi
from tests.run_forms import MILLISECONDS, QUIET, field, pick, pick_day, pick_several, write, write_list
from tests.served import ServedOffice, serving
from tests.tasks.conftest import address_of
from tests.waiting import waited_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (Debian: chromium)"),
]
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "kiem-tra-dot-xuat.png"
START = "60 · Mở cuộc kiểm tra"
ROUND = "12 · Kiểm tra Quý III · mục II.6-a"
RECORD = "61 · Ghi kết quả kiểm tra"
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass
class MailingOffice(ServedOffice):
    """A served office on a working morning in August 2025, whose letters a post office on loopback takes."""

    mail: PostOffice

    def letters_to(self, unit: str) -> list:
        """Return the letters that a unit's desk has received."""
        found = mails_for(self.mail.home, address_of(unit))
        return [message_from_bytes(content, policy=policy.default) for content in found]

    def last_run_of(self, name: str) -> dict | None:
        """Return the newest run of a deployment when it has ended."""
        identity = self.deployments()[name]["id"]
        body = {"deployments": {"id": {"any_": [identity]}}, "sort": "START_TIME_DESC"}
        ended = [run for run in self.ask("/flow_runs/filter", body) if run["state_type"] in ENDED]
        return ended[0] if ended else None

    def artifact(self, key: str) -> dict:
        """Return the newest artifact of a key."""
        (found,) = self.ask("/artifacts/latest/filter", {"artifacts": {"key": {"any_": [key]}}})
        return found


@pytest.fixture(scope="module")
def mailing(tmp_path_factory):
    """An office that is being served, with a post office."""
    folder, now = tmp_path_factory.mktemp("mailing"), hanoi("2025-08-04 09:00")
    with PostOffice(folder / "post") as post:
        write_now(post.home, now)
        mail = {"DONDOC_MAIL_FROM": post.account.address, "DONDOC_SMTP_PORT": str(post.smtp_port)}
        with serving(folder, DONDOC_VIRTUAL_NOW=now.isoformat(), **mail) as (port, process):
            yield MailingOffice(home=folder / "home", port=port, process=process, mail=post)


@pytest.fixture
def page(mailing):
    """The run form of the inspection, as the operator's browser shows it."""
    identity = mailing.deployments()[START]["id"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        form = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="vi-VN")
        mailing.log_in(form)
        form.goto(f"http://127.0.0.1:{mailing.port}/deployments/deployment/{identity}/run")
        field(form, "Lý do").wait_for(timeout=MILLISECONDS)
        yield form
        browser.close()


def fill_in(page: Page) -> None:
    """Fill the whole form as a person does, from its first field to its last."""
    pick(page, "Nghĩa vụ kiểm tra", "O-14")
    write(page, "Tên cuộc kiểm tra", "Kiểm tra đột xuất việc thực hiện Đề án 835 tại 02 đơn vị")
    pick_several(page, "Đơn vị được kiểm tra", ["so-y-te", "so-tai-chinh"])
    write(page, "Nội dung kiểm tra", "Việc phân công nhiệm vụ; kết quả tuyên truyền")
    write(page, "Căn cứ", "Chương trình công tác năm 2025 của Ban Chỉ đạo tỉnh")
    write(page, "Trưởng đoàn", "Phó Trưởng ban Thường trực")
    write_list(page, "Thành viên đoàn", ["Đại diện Văn phòng UBND tỉnh"])
    pick_day(page, "Hạn giải trình", "2025-08-15")
    pick_day(page, "Ngày bắt đầu kiểm tra", "2025-08-20")
    pick_day(page, "Ngày kết thúc kiểm tra", "2025-08-22")
    pick_day(page, "Hạn ban hành kết luận", "2025-09-12")
    write(page, "Người thực hiện", "Bàn trực Cơ quan Thường trực")
    write(page, "Lý do", "Theo chỉ đạo của Trưởng ban")


def take_picture(page: Page) -> None:
    """Keep how the filled form looks, whole."""
    bottom = page.get_by_role("button", name="Submit").evaluate("each => each.getBoundingClientRect().bottom")
    page.set_viewport_size({"width": 1280, "height": int(bottom) + 2_000})
    bottom = page.get_by_role("button", name="Submit").evaluate("each => each.getBoundingClientRect().bottom")
    page.set_viewport_size({"width": 1280, "height": int(bottom) + 40})
    page.screenshot(path=PICTURE)


def test_the_form_is_filled_as_a_person_does_and_the_units_have_their_notice_with_the_outline(mailing, page):
    fill_in(page)
    take_picture(page)
    page.get_by_role("button", name="Submit").click()

    ended = waited_for(lambda: mailing.last_run_of(START), seconds=240)
    assert ended, page.locator("main, body").first.inner_text()
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    assert ended["name"] == "Mở cuộc kiểm tra kt-20250804-1 · 04/8/2025"
    page.get_by_text("Completed").first.wait_for(timeout=MILLISECONDS)
    for unit in ("so-y-te", "so-tai-chinh"):
        (letter,) = mailing.letters_to(unit)
        assert "thông báo kiểm tra" in letter["Subject"]
        names = [part.get_filename() for part in letter.iter_attachments()]
        assert f"bieu-mau-kt-20250804-1-{unit}.xlsx" in names
    assert mailing.letters_to("so-xay-dung") == []
    assert "0/2" in mailing.artifact("kiem-tra-de-an-835")["data"]
    assert len(list((mailing.home / "results" / "kt-20250804-1" / "du-thao").glob("*.docx"))) == 3


WRONG = {
    "inspection_obligation": "O-14 · Kiểm tra của BCĐ (II.7)",
    "inspection_title": "Kiểm tra",
    "scope": "Nội dung",
    "basis": "Căn cứ",
    "leader": "Trưởng đoàn",
    "explain_by": "2025-08-15",
    "starts_on": "2025-08-20",
    "ends_on": "2025-08-22",
    "conclude_by": "2025-09-12",
    "operator": "Bàn trực",
    "reason": "Thử",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"operator": "  "},
        {"inspected_units": ["bcd-huyen-lang-giang · Ban Chỉ đạo huyện Lạng Giang"]},  # ended on 30/6/2025
        {"n_by_risk": -1},
        {"starts_on": "mai"},
        {"inspection_obligation": "O-20"},
    ],
    ids=["blank operator", "unit abolished", "number below zero", "no date", "no inspection"],
)
def test_what_the_form_can_see_is_refused_before_a_run_exists(mailing, changes):
    identity = mailing.deployments()[START]["id"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        mailing.ask(f"/deployments/{identity}/create_flow_run", {"parameters": WRONG | changes})
    refused.value.close()
    assert refused.value.code in {409, 422}


def test_what_the_form_cannot_see_fails_the_run_at_once_with_one_sentence_and_nothing_is_written(mailing):
    wrong = mailing.run(START, **WRONG | {"conclude_by": "2025-08-01"})
    assert wrong["state_type"] == "FAILED"
    told = wrong["state"]["message"]
    assert "Chưa mở cuộc kiểm tra, chưa ghi gì" in told
    assert "chưa chọn đơn vị nào" in told
    assert "hạn kết luận 01/8/2025 trước ngày kết thúc kiểm tra 22/8/2025" in told
    assert not (mailing.home / "results" / "kt-20250804-2").exists()


def test_units_proposed_by_risk_are_inspected_and_their_findings_become_duties_in_the_same_pages(mailing):
    by_risk = {"inspection_title": "Kiểm tra theo rủi ro", "n_by_risk": 2, "seed": "hạt giống 7"}
    started = mailing.run(START, **WRONG | by_risk)
    assert started["state_type"] == "COMPLETED", started["state"]["message"]
    code = started["name"].split()[4]
    page = mailing.artifact(f"cuoc-kiem-tra-{code}")["data"]
    assert "hạt giống lấy mẫu “hạt giống 7”" in page
    assert page.count("Đề xuất vì: chưa được kiểm tra (5 điểm)") == 2
    schema = mailing.deployments()[RECORD]["parameter_openapi_schema"]["properties"]
    (choice,) = [each for each in schema["inspection"]["enum"] if each.startswith(code)]
    unit = next(each for each in schema["inspected_unit"]["enum"] if f"- {each.split(' · ')[1]}: giải trình" in page)
    recorded = mailing.run(
        RECORD,
        inspection=choice,
        inspected_unit=unit,
        finding="Chưa phân công đầu mối.",
        remedy_action="Ban hành văn bản phân công",
        owner="Văn phòng",
        remedy_by="2025-09-10",
        operator="Bàn trực",
        reason="Biên bản",
    )
    # The remedy's letter waits for tomorrow: its desk has had today's letter.
    assert recorded["state_type"] == "COMPLETED", recorded["state"]["message"]
    assert f"mã {code}-kn-01: **chưa khắc phục**" in mailing.artifact(f"cuoc-kiem-tra-{code}")["data"]


def test_the_round_of_the_third_quarter_writes_to_the_lead_and_shows_whom_to_inspect_and_why(mailing):
    ended = mailing.run(ROUND, obligation="O-12", as_of="2025-08-04T09:30:00")
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    proposal = mailing.artifact("de-xuat-kt-q3-2025")
    assert "hạt giống lấy mẫu “kt-q3-2025”" in proposal["description"]
    assert len(json.loads(proposal["data"])) == 5
    assert (mailing.home / "results/kt-q3-2025/du-thao/quyet-dinh-kiem-tra-kt-q3-2025.docx").exists()
    assert "Kiểm tra Quý III" in mailing.letters_to("cong-an-tinh")[-1]["Subject"]
