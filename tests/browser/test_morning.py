"""An operator's morning, from the guide alone: one page, and from it each thing that needs a person in a few clicks."""

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import sync_playwright

from deployments.postoffice import PostOffice, mails_for, write_now
from tasks.adapters.clock import SystemClock
from tasks.adapters.programme import write_roster
from tasks.desk import DESK_KEY
from tasks.import_roster import first_programme, import_roster, present_roster
from tests.builders import hanoi
from tests.run_forms import MILLISECONDS, QUIET, field, pick_day, write
from tests.served import ServedOffice, serving
from tests.tasks.answering import send_words
from tests.tasks.conftest import Office
from tests.waiting import waited_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (Debian: chromium)"),
]
LATE = {"so-noi-vu": "Sở Nội vụ", "so-xay-dung": "Sở Xây dựng", "so-tu-phap": "Sở Tư pháp"}
HELD, ANSWERED = "so-y-te", "so-tai-chinh"
NOW = "2025-06-18 09:00"
MOST_CLICKS = 5
OPERATOR = "van.hanh@vp.example.invalid"
HOURS = timedelta(hours=1)
CYCLE = "bc-6t-2025"
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def few(roster):
    """Leave five units, so that the morning is short."""
    kept = {*LATE, HELD, ANSWERED}
    return replace(
        roster,
        units=tuple(unit for unit in roster.units if unit.code in kept),
        contacts=tuple(each for each in roster.contacts if each.unit_code in kept),
        relations=(),
    )


def lived_until_this_morning(office):
    """Let the office open its cycle, be answered by one unit, hold the mail of another, and wait in vain for three."""
    with office.at("2025-05-15 08:00") as runtime:
        path = office.home / "it.xlsx"
        write_roster(few(present_roster(runtime)), first_programme(runtime).groups, runtime.texts, path)
        assert import_roster(runtime, path, operator="Bàn trực").faults == ()
    office.round("2025-05-16 08:00")
    send_words(office, ANSWERED, "2025-06-10 09:00", "Không phát sinh")
    office.send(HELD, "answer_from_elsewhere", "2025-06-11 16:00")
    office.poll("2025-06-11 16:05")


@dataclass(frozen=True)
class Morning:
    """The served office, its post office, and what the program printed when it began to serve."""

    office: ServedOffice
    post: PostOffice
    printed: str


@pytest.fixture(scope="module")
def morning(tmp_path_factory):
    """The office as its operator finds it on 18 June, after the first round of the day."""
    folder = tmp_path_factory.mktemp("morning")
    with PostOffice(folder / "post") as post:
        lived_until_this_morning(Office(home=folder / "home", mail=post))
        write_now(post.home, hanoi(NOW))
        mail = {
            "DONDOC_MAIL_FROM": post.account.address,
            "DONDOC_SMTP_PORT": str(post.smtp_port),
            "DONDOC_OPERATOR_ADDRESS": OPERATOR,
        }
        with serving(folder, DONDOC_VIRTUAL_NOW=hanoi(NOW).isoformat(), **mail) as (port, process):
            office = ServedOffice(home=folder / "home", port=port, process=process)
            first = office.run("20 · BC 6T · mục III.1-c", obligation="O-20", as_of="2025-06-18T08:00:00")
            assert first["state_type"] == "COMPLETED", first["state"]["message"]
            yield Morning(office=office, post=post, printed=(folder / "served.log").read_text())


@pytest.fixture(scope="module")
def desk(morning):
    """A browser on the page of the day, whose address the program prints when it starts."""
    (address,) = re.findall(rf"http://127\.0\.0\.1:{morning.office.port}/\S+", morning.printed)
    assert address.endswith(f"/artifacts/key/{DESK_KEY}")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, locale="vi-VN")
        morning.office.log_in(page)
        page.goto(address)
        page.get_by_role("heading", name="Việc cần người xử lý").wait_for(timeout=MILLISECONDS)
        yield Clicks(page, address)
        browser.close()


class Clicks:
    """The page, with a count of what was clicked beside the fields of a form."""

    def __init__(self, page, address):
        self.page, self.address, self.form, self.n = page, address, None, 0

    def open_form(self, words):
        """Go back to the page of the day and open the form behind some words of it: it opens beside the page."""
        self.page.goto(self.address)
        self.n = 0
        link = self.page.get_by_role("link", name=words, exact=True).first
        link.wait_for(timeout=MILLISECONDS)
        with self.page.expect_popup() as opened:
            self._click(link)
        self.form = opened.value
        field(self.form, "Lý do").wait_for(timeout=MILLISECONDS)
        return self.form

    def sign_and_submit(self):
        write(self.form, "Người thực hiện", "Bàn trực tổng hợp")
        write(self.form, "Lý do", "Công văn số 12/SNV-VP ngày 17/6/2025")
        self._click(self.form.get_by_role("button", name="Submit"))
        self.form.wait_for_url(lambda url: "/run?" not in url and not url.endswith("/run"), timeout=MILLISECONDS)
        self.form.close()
        assert self.n <= MOST_CLICKS

    def _click(self, what):
        self.n += 1
        what.click()


def run_of(office, name):
    """Return the newest run of a deployment when it has ended well."""
    identity = office.deployments()[name]["id"]

    def ended():
        body = {"deployments": {"id": {"any_": [identity]}}, "sort": "EXPECTED_START_TIME_DESC"}
        return next((run for run in office.ask("/flow_runs/filter", body) if run["state_type"] in ENDED), None)

    found = waited_for(ended, seconds=120)
    assert found, f"{name} was not run"
    assert found["state_type"] == "COMPLETED", found["state"]["message"]
    return found


def test_the_page_of_the_day_names_the_three_that_are_late_and_the_mail_that_waits(desk):
    text = desk.page.locator("main, body").first.inner_text()
    assert "1 việc cần người xử lý" in text
    assert "3 đơn vị quá hạn" in text
    assert "đã báo cáo 1/5 đơn vị" in text
    assert "Sắp tới: 19/6/2025 Đôn đốc lần 1 (3 đơn vị)." in text
    for name in LATE.values():
        assert desk.page.get_by_role("link", name=name, exact=True).count() == 1


def test_a_late_unit_is_given_more_time_from_its_name(morning, desk):
    form = desk.open_form("Sở Nội vụ")
    pick_day(form, "Đến hết ngày", "2025-06-25")
    desk.sign_and_submit()
    assert run_of(morning.office, "50 · Gia hạn")["name"].startswith("Gia hạn · Bàn trực tổng hợp")


def test_a_mail_in_quarantine_is_put_to_its_unit(morning, desk):
    desk.open_form("Xử lý")
    desk.sign_and_submit()
    run_of(morning.office, "59 · Xử lý văn bản chờ xác minh")


def test_a_provisional_aggregate_is_compiled(morning, desk):
    desk.open_form("Tổng hợp ngay")
    desk.sign_and_submit()
    run_of(morning.office, "57 · Tổng hợp ngay")
    assert list((morning.office.home / "results" / CYCLE / "ban-1").glob("*.xlsx"))


def test_what_was_done_is_seen_on_the_page_at_once(desk):
    desk.page.goto(desk.address)
    desk.page.get_by_text("2 đơn vị quá hạn").wait_for(timeout=MILLISECONDS)
    text = desk.page.locator("main, body").first.inner_text()
    assert "Chờ xác minh (" not in text
    assert "đã báo cáo 2/5 đơn vị" in text


def a_bad_run(morning, name, state, **facts):
    """Let Prefect know of a run that nobody will ever carry out, in a state."""
    flow = morning.office.deployments()["00 · Bản tin và bảng tình hình"]["flow_id"]
    made = morning.office.ask("/flow_runs/", {"flow_id": flow, "name": name, "state": {"type": state} | facts})
    return made["id"]


def test_late_hanging_and_killed_runs_are_told_to_the_operator_by_the_next_poll(morning):
    now, office = SystemClock().now(), morning.office
    wanted = {"scheduled_time": (now - HOURS).isoformat()}
    late = a_bad_run(morning, "Bản tin · chậm", "SCHEDULED", state_details=wanted)
    waiting = {"scheduled_time": (now - HOURS / 6).isoformat()}
    a_bad_run(morning, "Bản tin · mới chờ", "SCHEDULED", state_details=waiting)
    hanging = a_bad_run(morning, "Bản tin · treo", "RUNNING")
    a_bad_run(morning, "Bản tin · mới chạy", "RUNNING")
    killed = a_bad_run(morning, "Bản tin · bị ngắt", "PENDING")
    office.ask(f"/flow_runs/{killed}/set_state", {"state": {"type": "CRASHED"}, "force": True})
    with closing(sqlite3.connect(office.home / "prefect" / "prefect.db", timeout=30)) as database, database:
        long_ago = (now - 4 * HOURS).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        ours = (long_ago, hanging.replace("-", ""))
        assert database.execute("UPDATE flow_run SET start_time = ? WHERE replace(id, '-', '') = ?", ours).rowcount == 1
    assert waited_for(lambda: office.ask(f"/flow_runs/{late}")["state_name"] == "Late", seconds=60)

    assert office.run("00 · Hộp thư báo cáo")["state_type"] == "COMPLETED"

    said = [message_from_bytes(each, policy=policy.default) for each in mails_for(morning.post.home, OPERATOR)]
    text = "\n".join(mail.get_body(("plain",)).get_content() for mail in said)
    assert len(said) == 3
    assert "Bản tin · chậm" in text
    assert "Bản tin · treo" in text
    assert "Bản tin · bị ngắt" in text
    assert "mới ch" not in text
