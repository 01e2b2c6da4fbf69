"""A further version of a report: recognised when it says the same, in its place until the report is closed."""

from openpyxl import load_workbook

from models.db.records import editions
from models.domain.vocabulary import EditionKind
from tasks.compile import compile_cycle
from tasks.handle_duties import give_back
from tasks.operators import Signature
from tasks.resolve_quarantine import Resolution, resolve_quarantine
from tests.builders import hanoi
from tests.tasks.answering import newest, plain, send_form

UNIT, CYCLE = "so-y-te", "bc-6t-2025"


def compiled(office, instant, kind=EditionKind.FINAL):
    with office.at(instant) as runtime:
        return compile_cycle(runtime, CYCLE, runtime.clock.now(), kind)


def versions(office, instant):
    with office.at(instant) as runtime, runtime.sessions() as session:
        return {row.unit_code: row.version for row in editions.sources(session, CYCLE, runtime.clock.now())}


def signed(instant):
    return Signature(operator="Lan", reason="Đơn vị có công văn đính chính", at=hanoi(instant))


def test_versions_until_the_close_and_after_it(opened_office):
    office = opened_office
    send_form(office, UNIT, "2025-06-03 09:00", cells={"CT01": 7})
    office.poll("2025-06-03 09:05")
    send_form(office, UNIT, "2025-06-04 09:00", cells={"CT01": 7})
    assert office.poll("2025-06-04 09:05")["accepted"] == 1
    assert "không thay đổi so với bản đã nhận" in newest(office, UNIT)["Subject"]
    assert "lúc 09:00 3/6/2025" in plain(newest(office, UNIT))
    assert versions(office, "2025-06-04 10:00") == {UNIT: 1}

    send_form(office, UNIT, "2025-06-16 09:00", cells={"CT01": 8})
    assert office.poll("2025-06-16 09:05")["accepted"] == 1
    assert "thay bản đã nhận lúc 09:00 3/6/2025" in plain(newest(office, UNIT))
    assert versions(office, "2025-06-16 10:00") == {UNIT: 2}
    assert office.duty(UNIT).duty.completed_at == hanoi("2025-06-03 09:00")

    _closed_and_opened_again(office)


def _closed_and_opened_again(office):
    final = compiled(office, "2025-06-17 08:00")
    send_form(office, UNIT, "2025-06-18 09:00", cells={"CT01": 9})
    assert office.poll("2025-06-18 09:05")["quarantined"] == 1
    assert "chưa thay bản đã dùng" in plain(newest(office, UNIT))
    assert not compiled(office, "2025-06-18 10:00").is_new
    (held,) = office.quarantine()
    assert [reason.code for reason in held.reasons] == ["version_locked"]

    with office.at("2025-06-18 11:00") as runtime:
        resolution = Resolution(arrival_id=held.id, cycle_code=CYCLE, unit_code=UNIT)
        resolve_quarantine.fn(runtime, resolution, signature=signed("2025-06-18 11:00"))
    assert office.quarantine() == []
    assert versions(office, "2025-06-18 12:00") == {UNIT: 3}
    assert compiled(office, "2025-06-18 14:00").edition.number == final.edition.number + 1

    _given_back(office)


def test_actual_figures_take_the_place_of_estimates_even_after_the_final_edition(opened_office):
    office = opened_office
    estimated = {"CT01": 100, ("CT01", "estimate"): "Ước"}
    send_form(office, UNIT, "2025-06-03 09:00", cells=estimated)
    office.poll("2025-06-03 09:05")
    assert "Có 1 số ước" in plain(newest(office, UNIT))
    first = compiled(office, "2025-06-17 08:00").edition
    assert page_of_estimates(office, first) == [("CT01", 100, None, None, "Chưa có số thực")]
    send_form(office, UNIT, "2025-06-18 09:00", cells={"CT01": 60, ("CT01", "estimate"): "Thực"})
    assert office.poll("2025-06-18 09:05")["accepted"] == 1
    assert "1 số ước được thay bằng số thực" in plain(newest(office, UNIT))
    second = compiled(office, "2025-06-18 10:00").edition
    assert second.number == first.number + 1
    assert page_of_estimates(office, second) == [("CT01", 100, 60, -40, "Lệch quá 20% so với ước")]


def page_of_estimates(office, edition):
    sheet = load_workbook(office.home / edition.workbook)["Ước và thực"]
    return [tuple(row[n] for n in (2, 4, 5, 6, 7)) for row in sheet.iter_rows(values_only=True) if row[2] == "CT01"]


def _given_back(office):
    with office.at("2025-06-19 08:00") as runtime:
        give_back.fn(
            runtime,
            CYCLE,
            UNIT,
            comment="Đề nghị rà soát lại chỉ tiêu CT01.",
            last_day=hanoi("2025-06-25 08:00").date(),
            signature=signed("2025-06-19 08:00"),
        )
    send_form(office, UNIT, "2025-06-20 09:00", cells={"CT01": 10})
    assert office.poll("2025-06-20 09:05")["accepted"] == 1
    assert versions(office, "2025-06-20 10:00") == {UNIT: 4}
