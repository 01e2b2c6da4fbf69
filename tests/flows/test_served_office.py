"""What an operator gets from `dondoc serve`: deployments that get their next runs, runs that work, acts by hand."""

import json
import shutil
import stat
import urllib.error
import urllib.request
from datetime import datetime
from http import HTTPStatus

import pytest
from playwright.sync_api import sync_playwright

from deployments.credentials import password_file
from models.domain.vocabulary import OFFICE_ZONE
from tests.served import ServedOffice, called_by, registered_names, serving
from tests.waiting import waited_for

EXTEND = "50 · Gia hạn"
GOOD = {
    "cycle": "bc-6t-2025 · Báo cáo 06 tháng năm 2025",
    "units": ["so-y-te · Sở Y tế"],
    "last_day": "2025-06-20",
    "reason": "Công văn số 12/SYT-VP",
    "operator": "Bàn trực tổng hợp",
}
N_ON_A_PAGE = 10
MAIL_PASSWORD = "bi-mat-hop-thu-4417"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An empty home that is being served, on a working morning on which no mail server answers."""
    folder = tmp_path_factory.mktemp("served")
    silent = {"DONDOC_VIRTUAL_NOW": "2025-05-16T08:30:00+07:00", "DONDOC_SMTP_PORT": "1"}
    silent |= {"DONDOC_SMTP_USERNAME": "baocao", "DONDOC_SMTP_PASSWORD": MAIL_PASSWORD}
    with serving(folder, is_watched=True, **silent) as (port, process):
        yield ServedOffice(home=folder / "home", port=port, process=process)


@pytest.fixture(scope="module")
def first_rounds(served):
    """The first two rounds of the six-month report in the served office: one that only tries, one that does."""
    report = {"obligation": "O-20", "as_of": "2025-05-16T08:00:00"}
    tried = served.run("20 · BC 6T · mục III.1-c", **report, dry_run=True)
    return tried, served.run("20 · BC 6T · mục III.1-c", **report, dry_run=False)


def test_every_deployment_is_ready_and_speaks_vietnamese(served):
    found = served.deployments()
    assert set(found) == registered_names()
    assert not any(deployment["paused"] for deployment in found.values())
    assert "trước ngày 15/6" in found["20 · BC 6T · mục III.1-c"]["description"]
    titles = {
        name: field["title"]
        for name, field in found["20 · BC 6T · mục III.1-c"]["parameter_openapi_schema"]["properties"].items()
    }
    assert titles == {"obligation": "Nghĩa vụ báo cáo", "as_of": "Tính đến", "dry_run": "Chạy thử"}


@pytest.mark.parametrize("words", ["", "Basic ZG9uZG9jOm5vdC1pdA==", "Bearer x"])
@pytest.mark.parametrize("path", ["/deployments/filter", "/logs/filter", "/admin/version"])
def test_nobody_is_let_in_without_the_homes_password(served, path, words):
    request = urllib.request.Request(f"http://127.0.0.1:{served.port}/api{path}", headers={"authorization": words})
    request.data = None if path.startswith("/admin") else b"{}"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value as answer:
        assert answer.code == HTTPStatus.UNAUTHORIZED


def test_the_password_lies_in_a_file_of_the_owner_alone_and_no_secret_is_said_anywhere(served, first_rounds):
    path = password_file(served.home)
    secret = path.read_text("ascii").strip().partition(":")[2]
    assert (stat.S_IMODE(path.stat().st_mode), len(secret) >= 24) == (0o600, True)
    logs = [*served.home.joinpath("logs").glob("*.log"), served.home.parent / "served.log"]
    assert str(path) in logs[-1].read_text("utf-8").replace("\n", "")
    asked = [
        served.ask(path, {}) for path in ("/flow_runs/filter", "/task_runs/filter", "/artifacts/filter", "/logs/filter")
    ]
    written = json.dumps([*asked, served.deployments()]) + "".join(log.read_text("utf-8", "replace") for log in logs)
    assert "BC 6T 2025" in written
    assert [each for each in (secret, MAIL_PASSWORD) if each in written] == []


def test_every_deployment_really_gets_its_next_runs_in_the_offices_hours(served):
    scheduled = {name: each for name, each in served.deployments().items() if each["schedules"]}
    assert "20 · BC 6T · mục III.1-c" in scheduled
    for name, deployment in scheduled.items():
        runs = waited_for(lambda identity=deployment["id"]: served.upcoming(identity), seconds=60)
        assert runs, f"{name} has no next run: Prefect's scheduler does not work with the versions installed"
        at = datetime.fromisoformat(runs[0]["expected_start_time"]).astimezone(OFFICE_ZONE)
        if name.startswith("20"):
            assert (at.hour, at.minute) in {(8, 0), (14, 0)}
            assert 4 <= at.month <= 8  # contacts are asked in April, before the report opens


def test_a_run_started_by_hand_says_what_it_would_do_and_carries_cycle_and_day_in_its_name(first_rounds):
    tried, _ = first_rounds
    assert tried["state_type"] == "COMPLETED", tried["state"]["message"]
    assert tried["name"] == "BC 6T · 16/5/2025 · không có kỳ đang mở"


def test_a_run_does_all_it_can_and_is_visibly_incomplete_while_the_mail_server_is_down(served, first_rounds):
    _, done = first_rounds
    assert done["name"] == "BC 6T 2025 · 16/5/2025 · mở 1 kỳ, báo mở kỳ 76, 82 thư chưa gửi được"
    assert done["state_type"] == "FAILED"
    # 83 reminders: the desk that serves two units gets one letter for both
    assert "Còn 82 thư chưa gửi được" in done["state"]["message"]
    lines = [line["message"] for line in served.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [done["id"]]}}})]
    assert "Đã mở Báo cáo 06 tháng năm 2025: 76 đơn vị phải báo cáo." in lines
    first_error = next(line for line in lines if "82 thư" in line and "chưa gửi được" in line)
    assert first_error.startswith("Còn 82 thư chưa gửi được vì máy chủ thư không nhận"), "it says what to do, not where"
    assert not any(line.startswith(("Beginning flow run", "Finished in state Completed")) for line in lines)
    artifacts = {found["key"] for found in served.ask("/artifacts/latest/filter", {})}
    assert {"bang-bc-6t-2025", "tien-do-bc-6t-2025", "ket-qua-bc-6t-2025", "viec-hom-nay"} <= artifacts


def test_the_weekly_calendar_lets_every_description_name_the_deadline_that_comes_next(served):
    ended = served.run("00 · Lịch năm", as_of="2025-06-23T06:30:00")
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    found = served.deployments()
    assert "Kỳ tới: **Báo cáo 06 tháng năm 2026**" in found["20 · BC 6T · mục III.1-c"]["description"]
    assert found["20 · BC 6T · mục III.1-c"]["schedules"], "nothing else of it has changed"
    assert "Kỳ tới: **Báo cáo năm 2025**" in found["21 · BC năm · mục III.1-d"]["description"]


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (Debian: chromium)")
def test_the_list_of_deployments_reads_as_the_plan_and_calls_nobody_outside(served):
    outside = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page()
        page.on("request", lambda request: outside.append(request.url) if "127.0.0.1" not in request.url else None)
        served.log_in(page)
        page.goto(f"http://127.0.0.1:{served.port}/deployments")
        for name in sorted(registered_names())[:N_ON_A_PAGE]:
            page.get_by_text(name, exact=True).wait_for(timeout=20_000)
        page.get_by_placeholder("Search deployments").fill("III.1-c")
        page.get_by_text("1 Deployment", exact=True).wait_for(timeout=20_000)
        page.get_by_text("20 · BC 6T · mục III.1-c", exact=True).wait_for(timeout=20_000)
        browser.close()
    assert [url for url in outside if not url.startswith("data:")] == []


@pytest.fixture(scope="module")
def opened(served, first_rounds):
    """The served office whose forms offer what its first round has opened."""

    def offered():
        return "enum" in fields(served)["cycle"] and GOOD["cycle"] in fields(served)["cycle"]["enum"]

    assert waited_for(offered, seconds=30), f"the form offers {fields(served)['cycle']}"
    return served


def fields(served):
    return served.deployments()[EXTEND]["parameter_openapi_schema"]["properties"]


def test_the_form_is_in_vietnamese_and_offers_the_units_by_name(opened):
    form = fields(opened)
    assert form["operator"]["title"] == "Người thực hiện"
    assert "so-y-te · Sở Y tế" in form["units"]["items"]["enum"]
    assert set(opened.deployments()[EXTEND]["parameter_openapi_schema"]["required"]) == set(GOOD)


@pytest.mark.parametrize(
    "wrong",
    [
        {"operator": ""},
        {"operator": "   "},
        {"reason": ""},
        {"units": []},
        {"units": ["xa-khong-co"]},
        {"cycle": "bc-6t-2031"},
    ],
)
def test_prefect_starts_no_run_of_a_form_that_is_not_filled(opened, wrong):
    assert "Validation failed" in opened.refusal(EXTEND, **(GOOD | wrong))


def test_a_day_that_is_past_fails_the_run_and_its_first_line_says_what_to_do(opened):
    ended = opened.run(EXTEND, **(GOOD | {"last_day": "2025-05-15"}))
    assert ended["state_type"] == "FAILED"
    assert "Ngày 15/5/2025 đã qua (hôm nay là 16/5/2025)." in ended["state"]["message"].splitlines()[0]


def test_a_good_extension_completes_and_is_written_into_the_book_of_acts(opened):
    ended = opened.run(EXTEND, **GOOD)
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    assert ended["name"].startswith("Gia hạn · Bàn trực tổng hợp")
    [book] = opened.ask("/artifacts/latest/filter", {"artifacts": {"key": {"any_": ["so-viec-lam-tay"]}}})
    assert "Công văn số 12/SYT-VP" in [row["Lý do"] for row in json.loads(book["data"])]
    assert "Sổ việc làm tay" in book["description"]


def test_server_worker_and_runs_call_nobody_but_this_machine(served, first_rounds):
    called = called_by(served.home.parent)
    if not called:
        pytest.skip("nobody may watch another process here (Debian: strace)")
    assert "127.0.0.1" in called
    assert {address for address in called if not (address.startswith("127.") or address == "::1")} == set()
