"""Machines with homes of their own that share database, files and the folder for people are one office."""

from dataclasses import replace

import pytest

from models.domain.vocabulary import EditionKind
from tasks.compile import compile_cycle
from tests.s3_server import make_bucket, options_for
from tests.tasks.test_two_databases import CYCLE, of_few_units


@pytest.fixture
def two_machines(request, tmp_path, office):
    """Two offices that are one: each with a home of its own."""
    address = request.getfixturevalue("s3")
    make_bucket(address, "van-phong")
    shared = {
        "database_url": request.getfixturevalue("postgresql").new_database(),
        "files_url": "s3://van-phong/dondoc",
        "files_options": options_for(address),
        "shared_folder": tmp_path / "chung",
    }
    first = replace(office, settings=shared)
    return first, replace(first, home=tmp_path / "the-other-home")


def test_a_form_that_one_machine_stamped_goes_out_and_comes_back_through_the_other(two_machines):
    first, second = two_machines
    of_few_units(first)
    first.round("2025-05-16 08:00")
    second.send("so-y-te", "answer", "2025-06-03 09:00")
    assert second.poll("2025-06-03 09:05")["accepted"] == 1
    with second.at("2025-06-11 08:00") as runtime:
        edition = compile_cycle(runtime, CYCLE, runtime.clock.now(), EditionKind.PROVISIONAL).edition
        in_folder = runtime.settings.shared / edition.workbook
        assert runtime.archive.read(edition.files[edition.workbook]) == in_folder.read_bytes()
    with first.at("2025-06-11 08:05") as runtime:
        again = compile_cycle(runtime, CYCLE, runtime.clock.now(), EditionKind.PROVISIONAL)
    assert not again.is_new
    assert again.edition.files == edition.files
    lying_about = [path for machine in two_machines for path in machine.home.rglob("*") if path.is_file()]
    assert not lying_about, "nothing of the office lies on one machine alone"
