"""What an operator gets from `dondoc serve`: deployments that really get their next runs, and runs that work."""

from datetime import datetime

import pytest

from models.domain.vocabulary import OFFICE_ZONE
from tests.served import registered_names, waited_for

pytestmark = pytest.mark.xdist_group("served office")


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


def test_every_deployment_really_gets_its_next_runs_in_the_offices_hours(served):
    scheduled = {name: each for name, each in served.deployments().items() if each["schedules"]}
    assert "20 · BC 6T · mục III.1-c" in scheduled
    for name, deployment in scheduled.items():
        runs = waited_for(lambda identity=deployment["id"]: served.upcoming(identity), seconds=60)
        assert runs, f"{name} has no next run: Prefect's scheduler does not work with the versions installed"
        at = datetime.fromisoformat(runs[0]["expected_start_time"]).astimezone(OFFICE_ZONE)
        if name.startswith("20"):
            assert (at.hour, at.minute) in {(8, 0), (14, 0)}
            assert 5 <= at.month <= 8


def test_a_run_started_by_hand_says_what_it_would_do_and_carries_cycle_and_day_in_its_name(first_rounds):
    tried, _ = first_rounds
    assert tried["state_type"] == "COMPLETED", tried["state"]["message"]
    assert tried["name"] == "BC 6T · 16/5/2025 · không có kỳ đang mở"


def test_a_run_does_all_it_can_and_is_visibly_incomplete_while_the_mail_server_is_down(served, first_rounds):
    _, done = first_rounds
    assert done["name"] == "BC 6T 2025 · 16/5/2025"
    assert done["state_type"] == "FAILED"
    # 83 reminders: the desk that serves two units gets one letter for both
    assert "Còn 82 thư chưa gửi được" in done["state"]["message"]
    lines = [line["message"] for line in served.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [done["id"]]}}})]
    assert "Đã mở Báo cáo 06 tháng năm 2025: 76 đơn vị phải báo cáo." in lines
    artifacts = {found["key"] for found in served.ask("/artifacts/latest/filter", {})}
    assert {"bang-bc-6t-2025", "tien-do-bc-6t-2025", "ket-qua-bc-6t-2025", "viec-hom-nay"} <= artifacts
