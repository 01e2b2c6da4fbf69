"""A mail with the forms of several duties is judged form by form, and answered once."""

import io
import zipfile
from email import policy
from email.message import EmailMessage

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from deployments.postoffice import mails_for
from deployments.simulated_units import WORKBOOK, post
from models.db.records import arrivals
from models.db.tables import ArrivalRow, LetterRow, SubmissionRow
from models.domain.vocabulary import Outcome
from tasks import judge
from tasks.hand_in import hand_in
from tasks.operators import Signature
from tasks.resolve_quarantine import Resolution, resolve_quarantine
from tasks.take_and_judge import take_and_judge
from tests.builders import hanoi
from tests.in_pieces import polled_with_a_cluster
from tests.tasks.answering import form_of, newest, plain
from tests.tasks.conftest import address_of, copied

UNIT, OTHER, HALF, YEAR = "so-y-te", "so-noi-vu", "bc-6t-2025", "bc-nam-2025"
AT, POLL = "2025-10-21 09:00", "2025-10-21 09:05"


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory, opened_home, databases):
    """Return an office with the half-year's and the year's report open, and the filled forms of a unit in each."""
    with copied(opened_home, databases, tmp_path_factory.mktemp("both")) as office:
        half, _ = form_of(office, UNIT, "2025-10-14 09:00", cycle=HALF)
        office.round("2025-10-16 08:00", "O-21")
        year, _ = form_of(office, UNIT, "2025-10-21 08:00", cycle=YEAR)
        office.poll("2025-10-21 08:30")
    for copy in (office.mail.home / "mailbox").rglob("*.eml"):
        copy.unlink()
    return office, half, year


@pytest.fixture
def both_open(laid_out, tmp_path, databases):
    """Return such an office of the test's own."""
    opened, half, year = laid_out
    with copied(opened, databases, tmp_path) as office:
        yield office, half, year


def a_mail(office, *parts, sender=UNIT, to="", number=1):
    """Return a mail with files: (name, bytes) each, or a mail that is forwarded as an attachment."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = address_of(sender) if "@" not in sender else sender
    mail["To"] = to or office.mail.account.address
    mail["Subject"] = "Báo cáo"
    mail["Message-ID"] = f"<{number}.several@units.example.invalid>"
    mail.set_content("Gửi các biểu kèm theo.")
    for part in parts:
        if isinstance(part, EmailMessage):
            mail.add_attachment(part)
            continue
        name, content = part
        kind = WORKBOOK if name.endswith(".xlsx") else "application/zip" if name.endswith(".zip") else "application/pdf"
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail


def sent(office, mail, at=AT, poll=POLL):
    with office.at(at):
        post([mail], port=office.mail.smtp_port)
    return office.poll(poll)


def a_zip(**members):
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return target.getvalue()


def judged(office):
    """Return of the arrivals with parts the outcome, the part and the duty, and how many submissions there are."""
    with office.at(POLL) as runtime, runtime.sessions() as session:
        rows = session.scalars(select(ArrivalRow).where(ArrivalRow.part > 0).order_by(ArrivalRow.id)).all()
        n_submissions = len(session.scalars(select(SubmissionRow)).all())
        return [(Outcome(row.outcome).value, row.part, row.whole_id is None) for row in rows], n_submissions


PDF = b"%PDF-1.4\n%%EOF\n"


def test_forms_of_two_cycles_in_one_mail_are_both_taken_and_answered_in_one_letter(both_open):
    office, half, year = both_open
    before = len(office.letters_to(address_of(UNIT)))
    files = [("6 thang.xlsx", half), ("nam.xlsx", year), ("6 thang da ky.pdf", PDF), ("nam da ky.pdf", PDF)]
    counts = sent(office, a_mail(office, *files))
    assert (counts["accepted"], counts["quarantined"], counts["filed"]) == (2, 0, counts["taken"])
    assert judged(office) == ([("accepted", 1, True), ("accepted", 2, False)], 2)
    assert office.duty(UNIT, HALF).duty.completed_at == office.duty(UNIT, YEAR).duty.completed_at == hanoi(AT)
    letters = office.letters_to(address_of(UNIT))[before:]
    assert len(letters) == 1, "at most one automatic answer for each arrival"
    assert letters[0]["Subject"].endswith("Thư có 2 biểu: 2 đã tiếp nhận")
    assert "06 tháng" in plain(letters[0])
    assert "Báo cáo năm" in plain(letters[0])


def test_each_form_has_its_own_verdict_and_its_own_address_to_be_sent_to_again(both_open):
    office, half, _ = both_open
    wrong, _ = form_of(office, UNIT, "2025-10-21 08:00", cycle=YEAR, cells={"CT01": -4})
    counts = sent(office, a_mail(office, ("a.xlsx", half), ("b.xlsx", wrong), ("a.pdf", PDF), ("b.pdf", PDF)))
    assert (counts["accepted"], counts["returned"]) == (1, 1)
    letter = newest(office, UNIT)
    assert f"+{office.duty(UNIT, YEAR).token}@" in plain(letter)
    assert f"+{office.duty(UNIT, HALF).token}@" not in plain(letter)
    marked = [part.get_filename() for part in letter.iter_attachments()]
    assert marked == ["2-b.xlsx"]
    assert office.duty(UNIT, YEAR).duty.completed_at is None
    assert list((office.mail.home / "mailbox").rglob("Tra-lai/*.eml")) or filed_under(office, Outcome.RETURNED)


def filed_under(office, outcome):
    with office.at(POLL) as runtime, runtime.sessions() as session:
        row = session.scalars(select(ArrivalRow).where(ArrivalRow.part == 1)).one()
        return arrivals.outcome_of(session, row.key) is outcome


def test_a_signed_copy_that_may_be_of_either_report_is_put_to_none_by_guess(both_open):
    office, half, year = both_open
    counts = sent(office, a_mail(office, ("a.xlsx", half), ("b.xlsx", year), ("scan.pdf", PDF)))
    assert counts["quarantined"] == 2
    assert [[reason.code for reason in held.reasons] for held in office.quarantine()] == [["documents_untold"]] * 2
    assert "không rõ là của biểu nào" in plain(newest(office, UNIT))
    assert [held.whence for held in office.quarantine()] == [f"{address_of(UNIT)}, {name}.xlsx" for name in "ab"]

    held = office.quarantine()[1]
    with office.at("2025-10-21 10:00") as runtime:
        resolution = Resolution(arrival_id=held.id, cycle_code=YEAR, unit_code=UNIT)
        signature = Signature(operator="Lan", reason="Bản ký là của báo cáo năm", at=hanoi("2025-10-21 10:00"))
        done = resolve_quarantine.fn(runtime, resolution, signature=signature)
    assert done.outcome is Outcome.ACCEPTED
    assert office.duty(UNIT, YEAR).duty.completed_at == hanoi(AT)
    assert office.duty(UNIT, HALF).duty.completed_at is None


def test_a_copy_for_each_that_nothing_tells_apart_is_not_handed_out_by_guess(both_open):
    office, half, year = both_open
    files = [("a.xlsx", half), ("b.xlsx", year), ("scan001.pdf", PDF), ("scan002.pdf", PDF)]
    counts = sent(office, a_mail(office, *files))
    assert (counts["accepted"], counts["quarantined"]) == (0, 2)
    assert [[reason.code for reason in held.reasons] for held in office.quarantine()] == [["documents_untold"]] * 2
    assert "không rõ là của biểu nào" in plain(newest(office, UNIT))
    assert office.duty(UNIT, HALF).duty.completed_at is None


def test_a_parent_that_forwards_the_mails_of_others_settles_nothing_and_is_told_of_each(both_open):
    office, half, _ = both_open
    theirs, _ = form_of(office, OTHER, "2025-10-21 08:00", cycle=YEAR)
    inner = a_mail(office, ("bieu.xlsx", theirs), ("ky.pdf", PDF), sender=OTHER, number=7)
    counts = sent(office, a_mail(office, inner, ("6t.xlsx", half), ("6t.pdf", PDF), number=8))
    assert (counts["accepted"], counts["quarantined"]) == (1, 1)
    (held,) = office.quarantine()
    assert [reason.code for reason in held.reasons] == ["sender_of_another_unit"]
    assert held.duty_id == office.duty(OTHER, YEAR).duty.id, "the guess is the unit that the form is of"
    told = plain(newest(office, UNIT))
    assert office.duty(OTHER, YEAR).token not in told
    assert "Sở Nội vụ" not in told


def test_forms_of_several_units_in_a_zip_that_an_operator_brings_go_each_to_its_own_duty_and_desk(both_open, tmp_path):
    office, _, year = both_open
    theirs, _ = form_of(office, OTHER, "2025-10-21 08:00", cycle=YEAR)
    pack = a_zip(**{"yte/b.xlsx": year, "yte/k.pdf": PDF, "noivu/b.xlsx": theirs, "noivu/k.pdf": PDF})
    (tmp_path / "tat ca.zip").write_bytes(pack)
    for dry_run in (True, False, False):
        with office.at(AT) as runtime:
            (line,) = hand_in(
                runtime, [tmp_path / "tat ca.zip"], operator="Lan", as_of=runtime.clock.now(), dry_run=dry_run
            )
        assert line.outcome == "accepted"
        assert [part.unit for part in line.parts] == ([UNIT, OTHER] if dry_run or line.parts else [])
    office.poll(POLL)
    assert "Sở Nội vụ" not in plain(newest(office, UNIT))
    assert "đã tiếp nhận" in newest(office, OTHER)["Subject"]
    assert judged(office) == ([("accepted", 1, True), ("accepted", 2, False)], 2)


def test_copies_of_one_form_are_one_form_and_the_blank_one_counts_beside_a_filled_one_for_nothing(both_open):
    office, _, year = both_open
    letters = mails_for(office.mail.home, address_of(UNIT))
    with office.at(AT) as runtime:
        blank = runtime.archive.read(office.duty(UNIT, YEAR).form_digest)
    assert letters
    counts = sent(office, a_mail(office, ("a.xlsx", year), ("goc.xlsx", blank), ("b.xlsx", year), ("a.pdf", PDF)))
    assert counts["accepted"] == 1
    assert judged(office) == ([], 1)


def test_of_a_form_beside_another_workbook_the_form_goes_back_marked(both_open):
    office, _, _ = both_open
    wrong, _ = form_of(office, UNIT, "2025-10-21 08:00", cycle=YEAR, cells={"CT01": -4})
    with io.BytesIO() as target:
        Workbook().save(target)
        other = target.getvalue()
    sent(office, a_mail(office, ("phu luc.xlsx", other), ("bieu.xlsx", wrong), ("ky.pdf", PDF)))
    (marked,) = newest(office, UNIT).iter_attachments()
    assert marked.get_filename() == "bieu.xlsx"


def sent_to_a_cluster(office, mail, monkeypatch):
    with office.at(AT):
        post([mail], port=office.mail.smtp_port)
    return polled_with_a_cluster(office, POLL, monkeypatch)


def test_a_cluster_tells_the_blank_form_from_the_filled_one(both_open, monkeypatch):
    office, _, year = both_open
    with office.at(AT) as runtime:
        blank = runtime.archive.read(office.duty(UNIT, YEAR).form_digest)
    mail = a_mail(office, ("a.xlsx", year), ("goc.xlsx", blank), ("a.pdf", PDF))
    counts = sent_to_a_cluster(office, mail, monkeypatch)
    assert (counts["accepted"], counts["quarantined"]) == (1, 0)


def test_a_cluster_gives_the_form_back_marked_that_lay_behind_another(both_open, monkeypatch):
    office, half, _ = both_open
    wrong, _ = form_of(office, UNIT, "2025-10-21 08:00", cycle=YEAR, cells={"CT01": -4})
    mail = a_mail(office, ("6t.xlsx", half), ("nam.xlsx", wrong), ("6t.pdf", PDF), ("nam.pdf", PDF))
    sent_to_a_cluster(office, mail, monkeypatch)
    (marked,) = newest(office, UNIT).iter_attachments()
    assert marked.get_filename() == "2-nam.xlsx"
    assert load_workbook(io.BytesIO(marked.get_content())).sheetnames


def test_different_forms_for_one_duty_wait_for_a_person_and_the_form_of_another_duty_does_not(both_open):
    office, half, year = both_open
    changed, _ = form_of(office, UNIT, "2025-10-21 08:00", cycle=YEAR, cells={"CT01": 77})
    files = [("1.xlsx", year), ("2.xlsx", changed), ("6t.xlsx", half), ("6t.pdf", PDF)]
    counts = sent(office, a_mail(office, *files))
    assert (counts["accepted"], counts["quarantined"]) == (1, 1)
    assert [[reason.code for reason in held.reasons] for held in office.quarantine()] == [["several_forms"]]
    assert "nhiều bản khác nhau" in plain(newest(office, UNIT))


def test_the_same_forms_again_change_nothing_and_are_told_so_once(both_open):
    office, half, year = both_open
    mail = a_mail(office, ("a.xlsx", half), ("b.xlsx", year), ("a.pdf", PDF), ("b.pdf", PDF))
    sent(office, mail)
    before = len(office.letters_to(address_of(UNIT)))
    sent(office, mail, poll="2025-10-21 09:20")
    assert judged(office)[1] == 2, "no further version"
    (letter,) = office.letters_to(address_of(UNIT))[before:]
    assert plain(letter).count("không thay đổi so với bản đã nhận") == 2


def test_a_run_that_dies_while_it_writes_leaves_no_part_of_the_mail_behind_and_the_next_judges_all(
    both_open, monkeypatch
):
    office, half, year = both_open
    with office.at(AT):
        post(
            [a_mail(office, ("a.xlsx", half), ("b.xlsx", year), ("a.pdf", PDF), ("b.pdf", PDF))],
            port=office.mail.smtp_port,
        )
    for step in ("record_outcomes", "add_submissions"):
        with office.at(POLL) as runtime, monkeypatch.context() as patch:
            patch.setattr(judge.arrivals, step, dies)
            with pytest.raises(KeyboardInterrupt):
                take_and_judge.fn(runtime, runtime.clock.now())
        assert judged(office) == ([], 0)
    counts = office.poll("2025-10-21 09:10")
    assert counts["accepted"] == 2
    assert judged(office) == ([("accepted", 1, True), ("accepted", 2, False)], 2)
    with office.at(POLL) as runtime, runtime.sessions() as session:
        assert len(session.scalars(select(LetterRow).where(LetterRow.arrival_id.is_not(None))).all()) == 1


def dies(*_args, **_kwargs):
    raise KeyboardInterrupt


def test_a_mail_from_elsewhere_with_the_forms_of_two_units_is_held_form_by_form(both_open):
    office, _, year = both_open
    theirs, _ = form_of(office, OTHER, "2025-10-21 08:00", cycle=YEAR)
    counts = sent(office, a_mail(office, ("a.xlsx", year), ("b.xlsx", theirs), sender="la@example.invalid"))
    assert counts["quarantined"] == 2
    assert {reason.code for held in office.quarantine() for reason in held.reasons} >= {"sender_unknown"}
    assert len({held.duty_id for held in office.quarantine()}) == 2
