"""The roll-call over real mail servers: one letter a person, what confirms an address, and who was never reached."""

import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from threading import Barrier, Thread
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import select

from deployments.postoffice import PostOffice
from deployments.simulated_units import post
from models.db.records import letters, roll_calls
from models.db.tables import ContactConfirmationRow, LetterRow, RollCallRow
from models.domain.roll_call import ToAsk
from models.domain.scoring import Ground, score_unit
from models.domain.vocabulary import ContactHealth, LetterKind, LetterState, Outcome
from tasks.adapters.programme import write_roster
from tasks.board import NEVER_REACHED, board_of
from tasks.call_roll import queue_roll_calls
from tasks.contact_board import contact_boards
from tasks.desk import lines_about_contacts
from tasks.digests import DIGESTS, queue_digests
from tasks.import_roster import first_programme, import_roster, present_roster
from tasks.post import post_letters
from tasks.publish import board_rows, contact_rows
from tasks.review_facts import ReviewSpan, facts_of_units
from tasks.status_board import make_board
from tests.builders import hanoi
from tests.tasks.conftest import Office, address_of, n_queries_to_write

DAY = "2025-04-29 08:00"
"""Ten working days before the six-month report of 2025 opens."""
UNIT, TWIN, SECOND = "so-y-te", "so-noi-vu", "phong-tong-hop@example.invalid"
SHARED = ("hoi-cuu-giao-chuc", "hoi-khuyen-hoc")
FEW = {UNIT, TWIN, *SHARED}


def call(office, instant):
    """Do what a round does of a roll-call; return how many contacts were asked, and how many letters left."""
    with office.at(instant) as runtime:
        return queue_roll_calls.fn(runtime, runtime.clock.now()), post_letters.fn(runtime, [LetterKind.ROLL_CALL])[
            "sent"
        ]


def plain(letter):
    return letter.get_body(("plain",)).get_content()


def answer(office, letter, text, instant, *, sender=None, headers=()):
    """Let whoever got a letter, or somebody else, reply to it."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender or letter["To"], letter["Reply-To"]
    mail["Subject"], mail["Message-ID"] = (
        f"Re: {letter['Subject']}",
        f"<{abs(hash((text, sender, instant)))}@x.invalid>",
    )
    mail["In-Reply-To"] = letter["Message-ID"]
    for name, value in headers:
        mail[name] = value
    mail.set_content(text)
    with office.at(instant):
        post([mail], port=office.mail.smtp_port)
    return office.poll(instant)


def bounce(office, address, instant):
    """Let a mail server say that an address takes no mail."""
    report = (
        f"From: MAILER-DAEMON@mx.example.invalid\nTo: {office.mail.account.address}\nSubject: Undelivered Mail\n"
        f"Message-ID: <{address}{instant.replace(' ', 'T')}>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n'
        "--x\nContent-Type: text/plain\n\nno such user\n"
        "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.invalid\n\n"
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: 5.1.1\n\n--x--\n"
    )
    office.mail.put_in_mailbox(report.replace("\n", "\r\n").encode(), hanoi(instant))
    return office.poll(instant)


def stored(office, query):
    with office.at("2026-01-01 08:00") as runtime, runtime.sessions() as session:
        return list(session.scalars(query))


def confirmed(office):
    return {row.address: row.confirmed_at for row in stored(office, select(ContactConfirmationRow))}


def change_roster(office, instant, change):
    with office.at(instant) as runtime:
        path = office.home / "doi.xlsx"
        write_roster(change(present_roster(runtime)), first_programme(runtime).groups, runtime.texts, path)
        assert import_roster(runtime, path, operator="Bàn trực").faults == ()


def few(roster):
    """Leave a few units, so that few letters go: one of them has a second desk without a telephone of its own."""
    first = next(each for each in roster.contacts if each.unit_code == UNIT)
    contacts = [replace(each, phone="0204.111.222") if each == first else each for each in roster.contacts]
    return replace(
        roster,
        units=tuple(unit for unit in roster.units if unit.code in FEW),
        contacts=(*(each for each in contacts if each.unit_code in FEW), replace(first, email=SECOND, rank=2)),
        relations=(),
    )


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Homes to be copied: an office of four units before the roll is called, and after."""
    folder = tmp_path_factory.mktemp("roll")
    with PostOffice(folder / "office") as mail:
        office = Office(home=folder / "home", mail=mail)
        change_roster(office, "2025-03-31 08:00", few)
        shutil.copytree(folder, folder.with_name("before"))
        assert call(office, DAY) == (5, 4)
    return {"before": folder.with_name("before"), "after": folder}


@contextmanager
def a_copy(home, folder):
    for part in ("home", "office"):
        shutil.copytree(home / part, folder / part)
    with PostOffice(folder / "office") as mail:
        yield Office(home=folder / "home", mail=mail)


@pytest.fixture
def small(homes, tmp_path):
    """An office of four units whose roster is known since the end of March 2025."""
    with a_copy(homes["before"], tmp_path) as office:
        yield office


@pytest.fixture
def called(homes, tmp_path):
    """The same office after the roll was called."""
    with a_copy(homes["after"], tmp_path) as office:
        yield office


def grounds(criterion, facts, as_of):
    (score,) = score_unit([criterion], facts, as_of)
    return [line.ground for line in score.evidence]


def health(office, instant):
    with office.at(instant) as runtime:
        (board,) = contact_boards(runtime, runtime.clock.now())
        return {line.unit_code: line.health for line in board.lines}


def test_every_contact_is_asked_once_on_the_day_and_one_desk_of_two_units_gets_one_letter(small):
    assert call(small, "2025-04-28 08:00") == (0, 0)
    assert call(small, DAY) == (5, 4)
    assert call(small, DAY) == (0, 0)
    assert call(small, "2025-05-05 08:00") == (0, 0)
    (to_first,), (to_second,) = small.letters_to(address_of(UNIT)), small.letters_to(SECOND)
    assert to_first["Subject"].startswith("[Đề án 835] Điểm danh đầu mối trước khi mở BC 6T 2025: Sở Y tế [#")
    assert "trả lời chính thư này bằng đúng một dòng dưới đây" in plain(to_second)
    asked = Counter(row.recipient for row in stored(small, select(RollCallRow)) if row.unit_code in SHARED)
    ((shared, n_units),) = asked.items()
    assert n_units == 2
    (letter,) = small.letters_to(shared)
    assert "2 đơn vị" in letter["Subject"]


@pytest.mark.parametrize("instant", ["2025-04-29 12:30", "2025-05-01 09:00", "2025-05-03 09:00"])
def test_nobody_is_asked_outside_office_hours_of_working_days(small, instant):
    assert call(small, instant) == (0, 0)


def test_after_an_outage_the_roll_is_called_late_but_never_once_the_cycle_has_opened(small):
    with small.at("2025-05-15 16:20") as runtime:
        assert queue_roll_calls.fn(runtime, runtime.clock.now()) == 5
    assert call(small, "2025-05-16 08:00") == (0, 0)
    assert "Điểm danh" not in "".join(letter["Subject"] for letter in small.letters_to(SECOND))
    states = select(LetterRow.state).where(LetterRow.kind == LetterKind.ROLL_CALL)
    assert set(stored(small, states)) == {LetterState.CANCELLED}
    assert stored(small, select(RollCallRow)) == []


def test_letters_that_wait_for_the_mail_server_leave_once_and_keep_the_day_to_themselves(small):
    port, small.mail.smtp_port = small.mail.smtp_port, 1
    assert call(small, DAY) == (5, 0)
    small.mail.smtp_port = port
    assert call(small, "2025-05-05 08:00") == (0, 4)
    assert len(small.letters_to(SECOND)) == 1
    with small.at("2025-05-05 09:00") as runtime, runtime.sessions() as session:
        assert SECOND in letters.recipients_chased_on(session, date(2025, 5, 5))


def test_a_letter_that_waits_takes_nothing_of_another_programme_which_is_asked_later(small):
    waiting = LetterRow(
        key="of-another-programme",
        message_id="<cho@x.invalid>",
        kind=LetterKind.ROLL_CALL,
        recipient=SECOND,
        day=date(2025, 4, 28),
        state=LetterState.QUEUED,
        queued_at=hanoi("2025-04-28 08:00"),
    )
    with small.at("2025-04-28 08:00") as runtime, runtime.sessions.begin() as session:
        letter_id = letters.queue_letter(session, waiting)
        asks = [ToAsk(cycle_code="khac-2025", unit_code="u1", address=SECOND)]
        roll_calls.note_asked(session, "chuong-trinh-khac", asks, letter_id=letter_id, token="abc")
    assert call(small, DAY) == (4, 3)
    assert small.letters_to(SECOND) == [], "the other programme is not in this office: its letter is taken back"
    assert call(small, "2025-05-05 08:00") == (1, 1)
    assert "Sở Y tế" in small.letters_to(SECOND)[0]["Subject"]


def test_all_letters_of_a_batch_are_written_from_the_same_few_queries(small):
    with small.at(DAY) as runtime:
        queue_roll_calls.fn(runtime, runtime.clock.now())
        with runtime.sessions.begin() as session:
            claimed = letters.claim(
                session, kinds=[LetterKind.ROLL_CALL], limit=9, at=runtime.clock.now(), max_attempts=9
            )
        assert len(claimed) == 4
        assert n_queries_to_write(runtime, claimed) == n_queries_to_write(runtime, claimed[:1])


def test_two_rounds_at_once_ask_each_contact_once(small):
    barrier, n_asked = Barrier(2, timeout=30), []

    def run(runtime):
        barrier.wait()
        n_asked.append(queue_roll_calls.fn(runtime, runtime.clock.now()))

    with small.at(DAY) as one, small.at(DAY) as other:
        rounds = [Thread(target=run, args=(runtime,)) for runtime in (one, other)]
        for each in rounds:
            each.start()
        for each in rounds:
            each.join()
    assert sum(n_asked) == len(stored(small, select(RollCallRow))) == 5
    assert call(small, DAY) == (0, 4)
    assert [len(small.letters_to(address)) for address in (SECOND, address_of(UNIT))] == [1, 1]


def test_a_line_of_reply_confirms_and_is_answered(called):
    (letter,) = called.letters_to(SECOND)
    assert health(called, "2025-04-29 09:00")[UNIT] is ContactHealth.UNCONFIRMED
    counts = answer(called, letter, "Kính gửi Ban Chỉ đạo,\n\nXác nhận.\n\nTrân trọng", "2025-04-29 10:00")
    assert (counts["accepted"], counts["sent"]) == (1, 1)
    assert confirmed(called) == {SECOND: hanoi("2025-04-29 10:00")}
    assert health(called, "2025-04-29 11:00")[UNIT] is ContactHealth.CONFIRMED
    assert health(called, "2025-04-29 09:00")[UNIT] is ContactHealth.UNCONFIRMED, "the past stays as it was"
    receipt = called.letters_to(SECOND)[-1]
    assert receipt["Subject"] == "[Đề án 835] Sở Y tế: đã ghi nhận xác nhận đầu mối"
    assert f"Đã ghi nhận: {SECOND} vẫn là địa chỉ nhận thư báo cáo của Sở Y tế." in plain(receipt)


def test_the_link_of_the_letter_opens_a_mail_that_confirms_without_a_thread(called):
    (letter,) = called.letters_to(SECOND)
    html = letter.get_body(("html",)).get_content().replace("&amp;", "&")
    link = urlsplit(html.partition('href="')[2].partition('"')[0])
    ready = parse_qs(link.query)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SECOND, unquote(link.path), ready["subject"][0]
    mail["Message-ID"] = "<mot-cham@example.invalid>"
    mail.set_content(ready["body"][0])
    with called.at("2025-04-29 10:00"):
        post([mail], port=called.mail.smtp_port)
    assert (link.scheme, unquote(link.path)) == ("mailto", letter["Reply-To"])
    assert called.poll("2025-04-29 10:00")["accepted"] == 1
    assert set(confirmed(called)) == {SECOND}


@pytest.mark.parametrize("sender", ["ke-la@example.invalid", address_of(UNIT)])
def test_a_confirmation_from_another_address_than_the_one_that_was_asked_is_none(called, sender):
    (letter,) = called.letters_to(SECOND)
    counts = answer(called, letter, "Xác nhận", "2025-04-29 10:00", sender=sender)
    assert (counts["quarantined"], confirmed(called)) == (1, {})
    (held,) = called.quarantine()
    assert [reason.code for reason in held.reasons] == ["roll_call_of_another"]


def test_an_automatic_answer_is_no_confirmation(called):
    (letter,) = called.letters_to(SECOND)
    away = (("Auto-Submitted", "auto-replied"),)
    assert answer(called, letter, "Xác nhận", "2025-04-29 10:00", headers=away)["ignored"] >= 1
    assert (confirmed(called), called.quarantine()) == ({}, [])


def test_a_new_contact_goes_to_a_person_and_changes_nobodys_address(called):
    (letter,) = called.letters_to(SECOND)
    new = "Đầu mối mới: Phòng Kế hoạch, moi@example.invalid, 0204.333.444"
    assert answer(called, letter, new, "2025-04-29 10:00")["quarantined"] == 1
    (held,) = called.quarantine()
    (reason,) = held.reasons
    assert (held.outcome, reason.code) == (Outcome.QUARANTINED, "contact_proposed")
    facts = dict(reason.facts)
    assert (facts["units"], facts["proposal"]) == ("Sở Y tế", new)
    with called.at("2025-04-29 11:00") as runtime:
        assert "moi@example.invalid" not in {each.email for each in present_roster(runtime).contacts}
    assert confirmed(called) == {}
    told = plain(called.letters_to(SECOND)[-1])
    assert "xác minh rồi cập nhật vào danh sách" in told
    assert "để tính thời hạn" not in told


def test_when_the_letter_comes_back_the_next_contact_counts_and_a_unit_without_one_is_red(called):
    bounce(called, address_of(UNIT), "2025-04-29 09:00")
    assert health(called, "2025-04-29 10:00")[UNIT] is ContactHealth.UNCONFIRMED
    bounce(called, SECOND, "2025-04-29 11:00")
    with called.at("2025-04-29 12:00") as runtime:
        (board,) = contact_boards(runtime, runtime.clock.now())
        lines, rows = lines_about_contacts(runtime, board), contact_rows(runtime, board)
    assert (board.lines[0].unit_code, board.lines[0].health) == (UNIT, ContactHealth.UNREACHABLE)
    assert rows[0]["Đầu mối"] == "CHƯA CÓ ĐẦU MỐI"
    assert rows[0]["Điện thoại"] == "0204.111.222", "a person can still call"
    assert "**CHƯA CÓ ĐẦU MỐI**: Sở Y tế" in lines[0]
    assert "3/4 đơn vị" in lines[1]


def test_a_contact_who_is_new_in_the_roster_is_asked_on_the_next_round(called):
    bounce(called, address_of(UNIT), "2025-04-29 09:00")
    newest = "moi@example.invalid"

    def with_newest(roster):
        first = next(each for each in roster.contacts if each.unit_code == UNIT)
        return replace(roster, contacts=(*roster.contacts, replace(first, email=newest, rank=3)))

    change_roster(called, "2025-05-05 08:00", with_newest)
    assert call(called, "2025-05-05 14:00") == (1, 1)
    assert len(called.letters_to(newest)) == 1


def test_a_unit_that_no_letter_reached_is_shown_so_and_loses_no_point(called):
    for address in (address_of(UNIT), SECOND):
        bounce(called, address, "2025-04-29 09:00")
    for instant in ("2025-05-16 08:00", "2025-06-17 08:00"):
        called.round(instant)
    with called.at("2025-06-17 09:00") as runtime:
        board = board_of(runtime, "bc-6t-2025", runtime.clock.now())
        (line,) = [line for line in board.lines if line.unit_code == UNIT]
        rows = board_rows(runtime, board)
        make_board(runtime, runtime.clock.now())
    told = "trước hạn không có thư nào tới được đơn vị"
    assert told in (called.home / "board" / "bc-6t-2025" / "index.html").read_text("utf-8")
    assert (line.is_never_reached, line.why, line.health) == (True, NEVER_REACHED, ContactHealth.UNREACHABLE)
    assert board.lines[0] is line
    assert rows[0]["Vì sao chưa gửi thêm"].startswith("trước hạn không có thư nào tới được đơn vị")
    assert rows[0]["Điện thoại"] == "0204.111.222"
    bounce(called, address_of(TWIN), "2025-06-20 09:00")
    with called.at("2025-12-20 08:00") as runtime, runtime.sessions() as session:
        programme = first_programme(runtime)
        span = ReviewSpan(programme=programme, first_year=2025, last_year=2025, as_of=runtime.clock.now())
        facts = facts_of_units(runtime, session, span)
        assert not facts[UNIT].reports[0].was_written_to
        assert facts[TWIN].reports[0].was_written_to, "it took the opening letter, and died only after the deadline"
        (on_time,) = [c for c in programme.criteria if c.measure.value == "reported_on_time"]
        assert grounds(on_time, facts[UNIT], span.as_of)[0] is Ground.NO_MAIL
        assert grounds(on_time, facts[TWIN], span.as_of)[0] is Ground.NEVER_CAME


def test_who_has_a_letter_of_a_roll_call_today_is_chased_tomorrow(called):
    with called.at(DAY) as runtime, runtime.sessions() as session:
        assert roll_calls.asked_addresses(session, "bc-6t-2025") >= {SECOND, address_of(UNIT)}
        assert SECOND in letters.recipients_chased_on(session, date(2025, 4, 29))


def test_the_operators_digest_names_the_units_of_a_coming_cycle_that_nobody_can_be_written_to_at(called):
    called.settings = {"operator_address": "van.hanh@vp.example.invalid"}
    bounce(called, address_of(TWIN), "2025-05-05 09:00")
    with called.at("2025-05-06 07:40") as runtime:
        assert queue_digests.fn(runtime, runtime.clock.now()) == 1
        assert post_letters.fn(runtime, DIGESTS)["sent"] == 1
    (digest,) = called.letters_to("van.hanh@vp.example.invalid")
    assert "(mở ngày 16/5/2025): 1 đơn vị chưa có đầu mối nhận được thư: Sở Nội vụ" in plain(digest)
