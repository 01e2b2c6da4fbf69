"""Files that an operator brings are told one by one while they are judged."""

import pytest

from tasks.hand_in import hand_in
from tests.tasks.answering import form_of

AT = "2025-06-03 09:00"
UNITS = ("so-y-te", "so-noi-vu")


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_person_who_waits_hears_of_each_file_as_it_is_judged(opened_office, tmp_path, dry_run):
    office, heard = opened_office, []
    files = [tmp_path / f"{unit}.xlsx" for unit in UNITS]
    for file, unit in zip(files, UNITS, strict=True):
        file.write_bytes(form_of(office, unit, AT)[0])

    with office.at(AT) as runtime:
        lines = hand_in(
            runtime,
            files,
            operator="Lan",
            as_of=runtime.clock.now(),
            dry_run=dry_run,
            heard=lambda done, total: heard.append((done, total)),
        )

    assert [line.unit for line in lines] == list(UNITS)
    assert heard == [(1, 2), (2, 2)]
