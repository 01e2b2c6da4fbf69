"""Every file of the corpus has exactly one line with its outcome and reasons, within two seconds and 256 MB."""

import io
import json
from email import message_from_bytes, policy

import pytest
from openpyxl import load_workbook

from deployments import cli
from deployments.postoffice import mails_for
from deployments.simulated_units import signed_copy
from models.db.records import cycles
from models.domain.vocabulary import FieldKind
from tasks.adapters.mail_reading import MailReader
from tasks.adapters.texts import vietnamese
from tasks.adapters.workbooks.pool import DEATHS, GuardedReader
from tasks.ports import Brought
from tasks.settings import LimitSettings
from tests.corpus import XLSX, Kit, corpus, measured
from tests.tasks.conftest import address_of

MOST_SECONDS = 2
MOST_MEGABYTES = 256
UNIT, OTHER = "so-y-te", "so-noi-vu"
OPERATOR = "Tổ tổng hợp"
ON = "2025-06-10T09:00"


def received_form(post_office, unit):
    """Return the form that a unit got with the opening letter, and the address that its answer goes to."""
    letter = message_from_bytes(mails_for(post_office, address_of(unit))[-1], policy=policy.default)
    content = next(part.get_content() for part in letter.walk() if part.get_content_type() == XLSX)
    return content, letter["Reply-To"].addresses[0].addr_spec


def filled(content, form):
    """Return the form as a clerk without anything wrong fills it."""
    workbook = load_workbook(io.BytesIO(content))
    values = {FieldKind.COUNT: 12, FieldKind.MONEY: 1_200_000, FieldKind.YES_NO: "Có"}
    for field in form.fields:
        value = field.choices[0] if field.kind is FieldKind.CHOICE else values.get(field.kind, "x")
        workbook[form.figures_sheet][form.value_cell(field)] = value
    for item in form.narratives:
        workbook[form.narratives_sheet][f"{form.narrative_column}{item.row}"] = f"Đã thực hiện: {item.title}"
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory, replay_office):
    """Return a folder with the corpus as files and a home in which the six-month report is open, and the cases."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "home").symlink_to(replay_office.home)
    with replay_office.at("2025-06-10 09:00") as runtime, runtime.sessions() as session:
        form = cycles.cycle(session, "bc-6t-2025").terms.form
    blank, ours = received_form(replay_office.mail.home, UNIT)
    kit = Kit(
        blank=blank,
        filled=filled(blank, form),
        other_filled=filled(received_form(replay_office.mail.home, OTHER)[0], form),
        signed=signed_copy(UNIT),
        sender=address_of(UNIT),
        ours=ours,
    )
    cases = corpus(kit)
    (folder / "files").mkdir()
    for case in cases:
        (folder / "files" / case.file).write_bytes(case.content)
    return folder, cases


@pytest.fixture(scope="module")
def lines(laid_out):
    """Return what `dondoc intake --dry-run --json` prints of all files, by name; all of them are one run."""
    folder, cases = laid_out
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DONDOC_HOME", str(folder / "home"))
        before = contents_of(folder / "home")
        mails = [case.file for case in cases if case.file.endswith(".eml")]
        others = [case.file for case in cases if not case.file.endswith(".eml")]
        found = [*handed_in(folder, mails), *handed_in(folder, others, "--operator", OPERATOR)]
    assert contents_of(folder / "home") == before, "a trial leaves nothing behind"
    return found


def contents_of(home):
    return {
        str(path) for path in home.resolve().rglob("*") if path.is_file() and path.suffix not in {".db-wal", ".db-shm"}
    }


def handed_in(folder, names, *more):
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", printed)
        with pytest.raises(SystemExit) as ended:
            cli.main(
                [
                    "intake",
                    *(str(folder / "files" / name) for name in names),
                    "--dry-run",
                    "--json",
                    "--as-of",
                    ON,
                    *more,
                ]
            )
    assert ended.value.code in {0, 1}
    return json.loads(printed.getvalue())


def test_every_file_has_exactly_one_line_with_an_outcome_and_a_reason_that_is_said(laid_out, lines):
    folder, cases = laid_out
    assert len(cases) >= 150
    assert sorted(line["file"] for line in lines) == sorted(str(folder / "files" / case.file) for case in cases)
    assert [line for line in lines if line["outcome"] not in {"accepted", "returned", "quarantined", "ignored"}] == []
    assert [line["file"] for line in lines if line["outcome"] != "accepted" and not line["reasons"]] == []
    assert [line for line in lines for reason in line["reasons"] if not reason["message"].strip()] == []


def test_every_file_has_the_outcome_and_the_reasons_that_it_must_have(laid_out, lines):
    _, cases = laid_out
    said = {
        line["file"].rsplit("/", 1)[-1]: (line["outcome"], {reason["code"] for reason in line["reasons"]})
        for line in lines
    }
    wrong = {
        case.file: {"wanted": (case.outcome, case.codes), "said": said[case.file]}
        for case in cases
        if said[case.file][0] != case.outcome or not set(case.codes) <= said[case.file][1]
    }
    assert wrong == {}


def test_no_bounce_and_no_automatic_answer_is_taken_for_an_answer(laid_out, lines):
    of_machines = [line for line in lines if "bounce-of" in line["file"] or "auto-replied" in line["file"]]
    assert len(of_machines) > 20
    assert {line["outcome"] for line in of_machines} == {"ignored"}


def test_no_file_costs_the_process_that_opens_it_more_than_two_seconds_or_256_mb(laid_out):
    """Measured in the worker itself: its clock, and the high-water mark of its memory, set back before each file."""
    _, cases = laid_out
    limits = LimitSettings(workers=1)
    mail_reader, reader = MailReader(vietnamese(), limits), GuardedReader(limits)
    costs = {}
    try:
        for case in cases:
            brought = Brought(content=case.content, is_mail=case.file.endswith(".eml"), file_name=case.file)
            work = reader.in_a_worker(measured, (brought, limits, mail_reader), 10 * MOST_SECONDS)
            try:
                _, seconds, megabytes = work.result()
            except DEATHS as death:
                seconds, megabytes = (
                    (MOST_SECONDS + 1, 0) if isinstance(death, TimeoutError) else (0, MOST_MEGABYTES + 1)
                )
            costs[case.file] = (round(seconds, 2), round(megabytes))
    finally:
        reader.close()
    dear = {file: cost for file, cost in costs.items() if cost[0] > MOST_SECONDS or cost[1] > MOST_MEGABYTES}
    assert dear == {}
