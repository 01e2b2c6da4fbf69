"""What operators do by hand: done once, signed, kept, refused when it makes no sense, and never by half."""

from dataclasses import replace
from datetime import date

import pytest

from models.db.records import arrivals, audit, editions, rosters
from models.domain.duties import late_at, standing_at
from models.domain.errors import ActionRefusedError, UnknownCycleError
from models.domain.succession import Relation
from models.domain.vocabulary import Action, Channel, EditionKind, LetterKind, Outcome, RelationKind, Standing
from tasks import handle_duties
from tasks.adapters.programme import load_programme, write_roster
from tasks.adapters.texts import vietnamese
from tasks.bring_roster import bring_roster, preview_lines
from tasks.chase_now import chase_now
from tasks.choices import Choice, offers_at
from tasks.compile_now import compile_now
from tasks.enter_on_behalf import Entry, enter_on_behalf
from tasks.expect_units import expect_units
from tasks.import_roster import first_programme, roster_in_force
from tasks.operators import sign
from tasks.post import post_letters
from tasks.publish_actions import book_row
from tasks.resolve_quarantine import Resolution, resolve_quarantine
from tests.builders import hanoi
from tests.meta.source_code import ROOT
from tests.tasks.conftest import ANSWERS, address_of

CYCLE = "bc-6t-2025"
UNIT = "so-y-te"
OTHER = "so-tai-chinh"
WHY = "Công văn số 12/SYT-VP"
DESK = "Bàn trực tổng hợp"


def done(office, instant, act, *args, **kwargs):
    """Do an act at the instant, signed by the desk, and send the answers that it queues."""
    with office.at(instant) as runtime:
        result = act.fn(runtime, *args, signature=sign(runtime, DESK, WHY), **kwargs)
        post_letters.fn(runtime, ANSWERS)
        return result


def standing(office, instant, unit=UNIT):
    return standing_at(office.duty(unit).duty, hanoi(instant))


def acts(office):
    with office.at("2025-12-31 08:00") as runtime, runtime.sessions() as session:
        return audit.actions_since(session, hanoi("2025-01-01"))


def said(error):
    return vietnamese().error(error.value)


@pytest.mark.parametrize(("operator", "reason"), [("", WHY), ("   ", WHY), (DESK, ""), (DESK, "\t")])
def test_nothing_is_done_for_who_gives_no_name_or_no_reason(office, operator, reason):
    with office.at("2025-06-12 09:00") as runtime, pytest.raises(ActionRefusedError) as refused:
        sign(runtime, operator, reason)
    assert "chưa có gì được ghi" in said(refused)


def test_an_extension_moves_the_units_last_day_once_and_is_kept_with_who_and_why(opened_office):
    for instant in ("2025-06-12 09:00", "2025-06-12 09:05"):
        result = done(opened_office, instant, handle_duties.extend, CYCLE, [UNIT], last_day=date(2025, 6, 20))
    assert result.n_changed == 0
    assert late_at(opened_office.duty(UNIT).duty, hanoi("2025-06-13")) == hanoi("2025-06-21")
    assert standing(opened_office, "2025-06-20 23:00") is Standing.EXTENDED
    assert standing(opened_office, "2025-06-17 00:00", OTHER) is Standing.LATE
    [kept] = acts(opened_office)
    assert (kept.action, kept.operator, kept.reason) == (Action.EXTEND, DESK, WHY)
    assert (kept.subject, kept.unit_code, kept.details) == (CYCLE, UNIT, {"last_day": "2025-06-20"})


@pytest.mark.parametrize(
    ("units", "last_day", "words"),
    [
        ([UNIT], date(2025, 6, 11), "đã qua"),
        ([UNIT], date(2025, 6, 15), "hiện có thời hạn đến hết ngày 16/6/2025"),
        ([UNIT, "xa-khong-co"], date(2025, 6, 20), "không có đơn vị: xa-khong-co"),
        ([], date(2025, 6, 20), "không có đơn vị"),
    ],
)
def test_a_senseless_extension_is_refused_and_nothing_is_written(opened_office, units, last_day, words):
    with pytest.raises(ActionRefusedError) as refused:
        done(opened_office, "2025-06-12 09:00", handle_duties.extend, CYCLE, units, last_day=last_day)
    assert words in said(refused)
    assert acts(opened_office) == []
    assert opened_office.duty(UNIT).duty.marks == ()


def test_an_act_upon_a_cycle_that_was_never_opened_is_refused(opened_office):
    with pytest.raises(UnknownCycleError):
        done(opened_office, "2025-06-12 09:00", handle_duties.waive, "bc-6t-2031", [UNIT])


@pytest.mark.parametrize("act", [handle_duties.waive, handle_duties.extend, handle_duties.mute])
def test_a_settled_duty_is_neither_waived_nor_extended_nor_muted(opened_office, act):
    opened_office.send(UNIT, "answer", "2025-06-03 09:00")
    opened_office.poll("2025-06-03 09:05")
    day = {} if act is handle_duties.waive else {"last_day": date(2025, 6, 25)}
    with pytest.raises(ActionRefusedError) as refused:
        done(opened_office, "2025-06-12 09:00", act, CYCLE, [OTHER, UNIT], **day)
    assert "Đã nộp đúng hạn" in said(refused)
    assert opened_office.duty(OTHER).duty.marks == ()


def test_a_waived_unit_is_chased_no_more_and_waiving_again_is_nothing_new(opened_office):
    assert done(opened_office, "2025-06-03 09:00", handle_duties.waive, CYCLE, [UNIT]).n_changed == 1
    assert done(opened_office, "2025-06-04 09:00", handle_duties.waive, CYCLE, [UNIT]).n_changed == 0
    opened_office.round("2025-06-05 08:00")
    assert len(opened_office.letters_to(address_of(UNIT))) == 1


def test_a_muted_unit_gets_no_reminder_until_its_day_is_over(opened_office):
    done(opened_office, "2025-06-03 09:00", handle_duties.mute, CYCLE, [UNIT], last_day=date(2025, 6, 5))
    opened_office.round("2025-06-05 08:00")
    assert len(opened_office.letters_to(address_of(UNIT))) == 1
    opened_office.round("2025-06-06 08:00")
    assert len(opened_office.letters_to(address_of(UNIT))) == 2


class TestReturning:
    @pytest.fixture
    def answered(self, opened_office):
        opened_office.send(UNIT, "answer", "2025-06-03 09:00")
        opened_office.poll("2025-06-03 09:05")
        return opened_office

    def give_back(self, office, instant="2025-06-10 10:00", comment="Đề nghị rà soát lại số liệu mục 2."):
        return done(office, instant, handle_duties.give_back, CYCLE, UNIT, comment=comment, last_day=date(2025, 6, 20))

    def test_an_accepted_answer_that_is_given_back_is_owed_again_and_the_past_stays(self, answered):
        self.give_back(answered)
        assert standing(answered, "2025-06-10 09:59") is Standing.DONE
        assert standing(answered, "2025-06-18 10:00") is Standing.EXTENDED
        assert standing(answered, "2025-06-21 00:00") is Standing.LATE

    def test_the_unit_reads_the_comment_and_its_new_day(self, answered):
        self.give_back(answered)
        letter = answered.letters_to(address_of(UNIT))[-1]
        text = letter.get_body(("plain",)).get_content()
        assert "Đề nghị rà soát lại số liệu mục 2." in text
        assert "21/6/2025" in letter["subject"]
        assert "được trả lại để hoàn thiện" in text

    def test_giving_back_twice_writes_one_letter(self, answered):
        self.give_back(answered)
        assert self.give_back(answered, "2025-06-10 10:05").n_changed == 0
        assert len(answered.letters_to(address_of(UNIT))) == 3  # opening, receipt, return

    def test_what_was_given_back_counts_in_no_aggregate_from_then_on(self, answered):
        self.give_back(answered)
        with answered.at("2025-06-11 08:00") as runtime, runtime.sessions() as session:
            units = {
                day: [row.unit_code for row in editions_sources(session, day)]
                for day in ("2025-06-09 08:00", "2025-06-11 08:00")
            }
        assert units == {"2025-06-09 08:00": [UNIT], "2025-06-11 08:00": []}

    def test_a_signed_copy_alone_does_not_bring_the_old_answer_back(self, answered):
        self.give_back(answered)
        answered.send(UNIT, "send_copy", "2025-06-11 09:00")
        assert answered.poll("2025-06-11 09:05")["accepted"] == 0
        assert answered.duty(UNIT).duty.completed_at is None

    def test_the_new_answer_settles_the_duty_at_its_own_receipt(self, answered):
        self.give_back(answered)
        answered.send(UNIT, "correct", "2025-06-18 09:00")
        assert answered.poll("2025-06-18 09:05")["accepted"] == 1
        assert answered.duty(UNIT).duty.completed_at == hanoi("2025-06-18 09:00")
        assert standing(answered, "2025-06-30 08:00") is Standing.DONE

    def test_what_was_never_sent_cannot_be_given_back(self, opened_office):
        with pytest.raises(ActionRefusedError) as refused:
            self.give_back(opened_office)
        assert "chưa có bài nộp" in said(refused)

    def test_an_answer_is_not_given_back_without_a_word(self, answered):
        with pytest.raises(ActionRefusedError):
            self.give_back(answered, comment=" ")
        assert standing(answered, "2025-06-30 08:00") is Standing.DONE


def editions_sources(session, day):
    return editions.sources(session, CYCLE, hanoi(day))


def test_a_returned_answer_that_is_accepted_counts_from_its_receipt_with_its_figures(opened_office):
    opened_office.send(UNIT, "answer_wrongly", "2025-06-10 08:50")
    opened_office.poll("2025-06-10 09:00")
    with opened_office.at("2025-06-18 09:00") as runtime:
        [choice] = offers_at(runtime, runtime.clock.now())[Choice.UNACCEPTED_ARRIVALS]
    number = int(choice.split(" · ")[0])
    results = [
        done(opened_office, instant, handle_duties.accept, number)
        for instant in ("2025-06-18 09:00", "2025-06-18 09:05")
    ]
    assert [each.n_changed for each in results] == [1, 0]
    duty = opened_office.duty(UNIT).duty
    assert (duty.completed_at, duty.accepted_at) == (hanoi("2025-06-10 08:50"), hanoi("2025-06-18 09:00"))
    with opened_office.at("2025-06-19 08:00") as runtime, runtime.sessions() as session:
        assert [row.unit_code for row in editions_sources(session, "2025-06-19 08:00")] == [UNIT]
        assert offers_at(runtime, runtime.clock.now())[Choice.UNACCEPTED_ARRIVALS] == ["– · hiện không có"]
    assert "Đã tiếp nhận" in opened_office.letters_to(address_of(UNIT))[-1].get_body(("plain",)).get_content()


def test_an_accepted_answer_cannot_be_accepted_by_hand(opened_office):
    opened_office.send(UNIT, "answer", "2025-06-03 09:00")
    opened_office.poll("2025-06-03 09:05")
    with pytest.raises(ActionRefusedError):
        done(opened_office, "2025-06-18 09:00", handle_duties.accept, 1)
    with pytest.raises(ActionRefusedError):
        done(opened_office, "2025-06-18 09:00", handle_duties.accept, 999)


class TestQuarantine:
    @pytest.fixture
    def held(self, opened_office):
        opened_office.send(UNIT, "answer_from_elsewhere", "2025-06-11 16:05")
        opened_office.poll("2025-06-11 16:10")
        return opened_office

    def resolve(self, office, instant="2025-06-18 09:00", **facts):
        number = self.number(office)
        return done(office, instant, resolve_quarantine, Resolution(arrival_id=number, **facts))

    def number(self, office):
        with office.at("2025-06-18 08:00") as runtime, runtime.sessions() as session:
            ids = range(1, 400)
            return next(i for i, a in arrivals.judged(session, ids).items() if a.outcome is Outcome.QUARANTINED)

    def test_what_is_put_to_its_unit_is_judged_as_if_it_were_certain_and_counts_from_its_receipt(self, held):
        result = self.resolve(held, cycle_code=CYCLE, unit_code=UNIT)
        assert result.outcome is Outcome.ACCEPTED
        duty = held.duty(UNIT).duty
        assert duty.completed_at == hanoi("2025-06-11 16:05")
        assert held.quarantine() == []
        assert self.resolve(held, "2025-06-18 10:00", cycle_code=CYCLE, unit_code=UNIT).n_changed == 0

    def test_the_senders_address_is_remembered_only_when_asked(self, held):
        self.resolve(held, cycle_code=CYCLE, unit_code=UNIT, remember_sender=True)
        with held.at("2025-06-18 10:00") as runtime, runtime.sessions() as session:
            (first, *others) = rosters.working_contacts(session, next(iter(runtime.programmes)), date(2025, 6, 18))[
                UNIT
            ]
        assert first.email == address_of(UNIT)
        assert [contact.name for contact in others] == [vietnamese().say("action.remembered_contact")]

    def test_what_is_left_aside_held_the_duty_until_then_and_no_longer(self, held):
        self.resolve(held)
        assert standing(held, "2025-06-18 08:59") is Standing.SUBMITTED
        assert standing(held, "2025-06-18 09:00") is Standing.LATE
        assert held.quarantine() == []

    def test_a_unit_without_a_cycle_is_refused(self, held):
        with pytest.raises(ActionRefusedError) as refused:
            self.resolve(held, unit_code=UNIT)
        assert "cả đơn vị và kỳ" in said(refused)
        assert len(held.quarantine()) == 1


class TestEnteringOnBehalf:
    def enter(self, office, instant="2025-06-18 09:00", **facts):
        entry = {
            "cycle_code": CYCLE,
            "unit_code": UNIT,
            "received_at": hanoi("2025-06-13 15:30").replace(tzinfo=None),
        } | facts
        return done(office, instant, enter_on_behalf, Entry(**entry))

    def test_paper_counts_from_the_hour_at_which_it_was_received(self, opened_office):
        assert self.enter(opened_office).outcome is Outcome.ACCEPTED
        duty = opened_office.duty(UNIT).duty
        assert duty.completed_at == hanoi("2025-06-13 15:30")
        assert standing_at(duty, hanoi("2025-06-30 08:00")) is Standing.DONE
        assert self.enter(opened_office, "2025-06-18 10:00").n_changed == 0

    def test_it_is_marked_as_entered_on_behalf(self, opened_office):
        self.enter(opened_office)
        with opened_office.at("2025-06-19 08:00") as runtime, runtime.sessions() as session:
            [row] = editions_sources(session, "2025-06-19 08:00")
            taken = [arrivals.taken(session, n) for n in range(1, 400)]
        assert row.is_on_behalf
        assert [each.channel for each in taken if each and each.operator == DESK] == [Channel.ON_BEHALF]

    def test_a_workbook_from_the_drop_folder_is_checked_like_any_other(self, opened_office):
        drop = opened_office.home / "drop"
        drop.mkdir(exist_ok=True)
        with opened_office.at("2025-06-18 08:00") as runtime:
            form = runtime.archive.read(opened_office.duty(UNIT).form_digest)
        (drop / "bieu.xlsx").write_bytes(form)  # nothing is filled in
        assert self.enter(opened_office, file="bieu.xlsx").outcome is Outcome.RETURNED
        assert opened_office.duty(UNIT).duty.completed_at is None

    @pytest.mark.parametrize(
        "facts",
        [
            {"received_at": hanoi("2025-06-18 09:01")},
            {"received_at": hanoi("2025-05-15 23:59")},
            {"file": "khong-co.xlsx"},
            {"file": "../../etc/passwd"},
            {"unit_code": "xa-khong-co"},
        ],
    )
    def test_what_cannot_be_is_refused_and_nothing_is_written(self, opened_office, facts):
        with pytest.raises(ActionRefusedError):
            self.enter(opened_office, **facts)
        assert acts(opened_office) == []


class TestChasingNow:
    def chase(self, office, instant, units=()):
        with office.at(instant) as runtime:
            result = chase_now.fn(runtime, CYCLE, list(units), signature=sign(runtime, DESK, WHY))
            post_letters.fn(runtime, [LetterKind.CHASE])
            return result

    def test_a_unit_that_had_no_letter_today_gets_one_and_not_a_second(self, opened_office):
        assert self.chase(opened_office, "2025-05-21 09:00", [UNIT]).n_changed == 1
        assert self.chase(opened_office, "2025-05-21 15:00", [UNIT]).n_changed == 0
        assert len(opened_office.letters_to(address_of(UNIT))) == 2
        assert self.chase(opened_office, "2025-05-22 09:00", [UNIT]).n_changed == 1

    def test_on_the_day_of_the_opening_nobody_is_written_to_again(self, opened_office):
        assert self.chase(opened_office, "2025-05-16 15:00").n_changed == 0

    def test_who_has_answered_is_never_written_to(self, opened_office):
        opened_office.send(UNIT, "answer", "2025-06-03 09:00")
        opened_office.poll("2025-06-03 09:05")
        before = len(opened_office.letters_to(address_of(OTHER)))
        assert self.chase(opened_office, "2025-06-04 09:00").n_changed > 10
        assert len(opened_office.letters_to(address_of(UNIT))) == 2
        assert len(opened_office.letters_to(address_of(OTHER))) == before + 1

    def test_the_round_of_the_same_day_writes_no_second_letter(self, opened_office):
        self.chase(opened_office, "2025-06-05 08:30", [UNIT])
        opened_office.round("2025-06-05 14:00")
        assert len(opened_office.letters_to(address_of(UNIT))) == 2

    def test_nobody_is_chased_on_a_saturday(self, opened_office):
        with pytest.raises(ActionRefusedError):
            self.chase(opened_office, "2025-06-07 09:00")


def test_a_rung_taken_back_while_we_checked_an_answer_is_said_after_it_was_left_aside(opened_office):
    opened_office.send(UNIT, "answer_from_elsewhere", "2025-06-04 16:05")
    opened_office.poll("2025-06-04 16:10")
    number = opened_office.quarantine()[0].id
    opened_office.round("2025-06-05 08:00")
    assert len(opened_office.letters_to(address_of(UNIT))) == 1
    done(opened_office, "2025-06-05 10:00", resolve_quarantine, Resolution(arrival_id=number))
    opened_office.round("2025-06-05 14:00")
    assert len(opened_office.letters_to(address_of(UNIT))) == 2


def test_compiling_by_hand_makes_one_edition_of_the_same_inputs(opened_office):
    opened_office.send(UNIT, "answer", "2025-06-03 09:00")
    opened_office.poll("2025-06-03 09:05")
    results = [
        done(opened_office, instant, compile_now, CYCLE, EditionKind.PROVISIONAL)
        for instant in ("2025-06-04 09:00", "2025-06-04 10:00")
    ]
    assert [each.n_changed for each in results] == [1, 0]
    assert [entry.action for entry in acts(opened_office)] == [Action.COMPILE_NOW]


def test_a_roster_is_loaded_once_and_shows_before_what_it_changes(opened_office):
    shipped = ROOT / "deployments" / "de_an_835" / "roster.xlsx"
    (opened_office.home / "moi.xlsx").write_bytes(shipped.read_bytes())
    with opened_office.at("2025-06-04 09:00") as runtime:
        assert {line.what for line in preview_lines(runtime, opened_office.home / "moi.xlsx")} <= {"Lưu ý"}
    assert done(opened_office, "2025-06-04 09:00", bring_roster, "moi.xlsx").n_changed == 0  # the one in use


def test_a_preview_says_what_becomes_of_each_row(opened_office):
    shipped = load_programme(ROOT / "deployments" / "de_an_835").roster
    units = list(shipped.units)
    place = next(n for n, unit in enumerate(units) if unit.code == UNIT)
    units[place] = replace(units[place], valid_to=date(2025, 8, 31), head="Giám đốc Sở")
    relation = Relation(
        kind=RelationKind.MERGED_INTO, unit_code=UNIT, other_code="so-noi-vu", on=date(2025, 9, 1), document="NQ 1"
    )
    changed = replace(shipped, units=tuple(units), relations=(*shipped.relations, relation))
    path = opened_office.home / "moi.xlsx"
    with opened_office.at("2025-06-04 09:00") as runtime:
        write_roster(changed, first_programme(runtime).groups, runtime.texts, path)
        lines = [line for line in preview_lines(runtime, path) if line.what != "Lưu ý"]
    assert [(line.what, line.detail) for line in lines] == [
        ("Sửa dòng đơn vị", "Hiệu lực đến: – → 31/8/2025; Người đứng đầu: Giám đốc → Giám đốc Sở"),
        ("Thêm quan hệ", "Quan hệ: Sáp nhập vào; Mã đơn vị kia: so-noi-vu; Từ ngày: 01/9/2025; Văn bản: NQ 1"),
    ]


@pytest.mark.parametrize("name", ["../roster.xlsx", "khong-co.xlsx", ""])
def test_a_roster_that_is_not_in_the_home_is_refused(opened_office, name):
    with pytest.raises(ActionRefusedError):
        done(opened_office, "2025-06-04 09:00", bring_roster, name)


def test_a_file_that_is_no_roster_changes_nothing(opened_office):
    (opened_office.home / "hong.xlsx").write_bytes(b"no workbook")
    with pytest.raises(ActionRefusedError) as refused:
        done(opened_office, "2025-06-04 09:00", bring_roster, "hong.xlsx")
    assert "không nạp dòng nào" in said(refused)
    assert acts(opened_office) == []


def test_the_book_of_acts_reads_as_vietnamese(opened_office):
    done(opened_office, "2025-06-12 09:00", handle_duties.extend, CYCLE, [UNIT], last_day=date(2025, 6, 20))
    [kept] = acts(opened_office)
    with opened_office.at("2025-06-12 10:00") as runtime:
        row = book_row(runtime, kept)
    assert row["Việc"] == "Gia hạn"
    assert row["Lúc"] == "09 giờ 00 ngày 12/6/2025"
    assert row["Người thực hiện"] == DESK


def test_the_forms_offer_units_and_cycles_by_their_names(opened_office):
    with opened_office.at("2025-06-12 10:00") as runtime:
        offers = offers_at(runtime, runtime.clock.now())
    assert "so-y-te · Sở Y tế" in offers[Choice.UNITS_IN_FORCE]
    assert "so-y-te · Sở Y tế" in offers[Choice.UNITS_WITH_DUTIES]
    assert any(choice.startswith(f"{CYCLE} · ") for choice in offers[Choice.OPENED_CYCLES])


def test_of_more_units_than_a_list_may_have_only_so_many_are_asked_for(opened_office):
    with opened_office.at("2025-06-12 10:00") as runtime:
        day = runtime.clock.now().date()
        everybody = roster_in_force(runtime, day)
        assert len(roster_in_force(runtime, day, limit=5)) == 5
        assert roster_in_force(runtime, day, limit=len(everybody) + 1) == everybody


def test_a_unit_founded_after_the_opening_owes_nothing_until_an_operator_adds_it(opened_office):
    new = "bcd-xa-yen-the"
    with opened_office.at("2025-07-02 08:00") as runtime, pytest.raises(ActionRefusedError) as over:
        expect_units.fn(runtime, CYCLE, [new], last_day=None, signature=sign(runtime, DESK, WHY))
    assert "đã qua" in said(over)
    last_day = date(2025, 7, 31)
    results = [
        done(opened_office, instant, expect_units, CYCLE, [new], last_day=last_day)
        for instant in ("2025-07-02 09:00", "2025-07-02 10:00")
    ]
    assert [result.n_changed for result in results] == [1, 0]
    assert [(entry.action, entry.unit_code) for entry in acts(opened_office)] == [(Action.EXPECT_UNITS, new)]
    assert standing(opened_office, "2025-07-03 08:00", new) is Standing.EXTENDED
    assert late_at(opened_office.duty(new).duty, hanoi("2025-07-03 08:00")) == hanoi("2025-08-01 00:00")


def test_a_unit_that_does_not_exist_on_that_day_cannot_be_added(opened_office):
    with pytest.raises(ActionRefusedError) as refused:
        done(opened_office, "2025-06-04 09:00", expect_units, CYCLE, ["bcd-xa-yen-the", OTHER], last_day=None)
    assert "Ban Chỉ đạo xã Yên Thế" in said(refused)
    assert acts(opened_office) == []


def test_a_unit_that_was_added_gets_the_form_with_its_first_letter(opened_office):
    new = "bcd-xa-dong-tien-yen-the"
    done(opened_office, "2025-05-20 09:00", expect_units, CYCLE, [new], last_day=None)
    opened_office.round("2025-06-05 08:00")
    [letter] = opened_office.letters_to(address_of(new))
    assert next(part.get_filename() for part in letter.iter_attachments()) == f"bieu-mau-{CYCLE}-{new}.xlsx"
