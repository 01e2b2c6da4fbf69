"""A unit says that a duty is not its own: chasing rests until a person has decided, and the unit is told."""

from models.domain.duties import standing_at
from models.domain.vocabulary import Standing
from tasks.handle_duties import waive
from tasks.operators import Signature
from tasks.resolve_quarantine import Resolution, resolve_quarantine
from tests.builders import hanoi
from tests.tasks.answering import newest, plain, send_words

UNIT, OTHER, CYCLE = "so-y-te", "so-noi-vu", "bc-6t-2025"


def test_a_contest_rests_until_it_is_decided_and_the_unit_learns_of_it(opened_office):
    office = opened_office
    for unit in (UNIT, OTHER):
        send_words(office, unit, "2025-06-10 09:00", "Không thuộc trách nhiệm của đơn vị.\nLý do: đã bàn giao.")
    assert office.poll("2025-06-10 09:05")["quarantined"] == 2
    assert "không thuộc trách nhiệm của đơn vị; người phụ trách đang xem xét" in plain(newest(office, UNIT))
    office.round("2025-06-12 08:00")
    assert "đang kiểm tra" in newest(office, UNIT)["Subject"], "no reminder meanwhile"
    contests = {office.duty(unit).duty.id: unit for unit in (UNIT, OTHER)}
    by_unit = {contests[held.duty_id]: held for held in office.quarantine()}

    signature = Signature(operator="Lan", reason="Theo phân công tại Kế hoạch", at=hanoi("2025-06-12 09:00"))
    with office.at("2025-06-12 09:00") as runtime:
        waive.fn(runtime, CYCLE, [UNIT], signature=signature)
        resolve_quarantine.fn(runtime, Resolution(arrival_id=by_unit[OTHER].id), signature=signature)
    office.poll("2025-06-12 09:05")
    assert office.quarantine() == []
    assert "đã được chấp nhận" in plain(newest(office, UNIT))
    assert "không được chấp nhận" in plain(newest(office, OTHER))
    at = hanoi("2025-06-12 10:00")
    assert [standing_at(office.duty(unit).duty, at) for unit in (UNIT, OTHER)] == [Standing.WAIVED, Standing.OPEN]
