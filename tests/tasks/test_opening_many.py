"""Where many units are expected, the run says how far the stamping of their forms is."""

import logging

from tasks import open_cycles
from tasks.open_cycles import open_due_cycles, stamp_missing_forms


def test_a_run_that_stamps_many_forms_says_how_far_it_is(office, monkeypatch, caplog):
    monkeypatch.setattr(open_cycles, "FORMS_UNTIL_WORD", 50)
    office.settings |= {"units_per_chunk": 30}
    with office.at("2025-05-16 08:00") as runtime, caplog.at_level(logging.INFO, logger="tasks.open_cycles"):
        codes = open_due_cycles.fn(runtime, "O-20", runtime.clock.now())
        assert stamp_missing_forms.fn(runtime, codes) == 76
    said = [record.message for record in caplog.records if "biểu mẫu" in record.message]
    assert said == ["Báo cáo 06 tháng năm 2025: đã lập 60/76 biểu mẫu."]
