"""Why a unit stands where it stands: what an arrival, a delay of ours, an outage or a later fact changes of it."""

from dataclasses import replace
from datetime import timedelta

from models.domain.forms import finding
from models.domain.outages import Outage, credit_until, outage_over
from models.domain.scoring import Ground
from models.domain.verdicts import ArrivalFact, LetterFact, SkipFact, VerdictFacts, verdict_of
from models.domain.vocabulary import Channel, LetterKind, LetterState, MarkKind, Outcome, SkipReason, Standing
from tests.builders import CALENDAR, a_duty, a_mark, hanoi

# Due before 15 June 2025, a Sunday: 14 June is a Saturday, so that Monday 16 June is the last admissible day.
LATE_FROM = hanoi("2025-06-17 00:00")
AFTER = hanoi("2025-07-01 08:00")


def an_arrival(received, outcome=Outcome.ACCEPTED, *, number=None, judged=None, resolved=None, reasons=()):
    return ArrivalFact(
        id=int(hanoi(received).timestamp()),
        received_at=hanoi(received),
        judged_at=hanoi(judged or received),
        channel=Channel.MAIL,
        outcome=outcome,
        number=number,
        resolved_at=hanoi(resolved) if resolved else None,
        reasons=reasons,
    )


def a_letter(decided, *, state=LetterState.SENT, finished=None, because=None):
    return LetterFact(
        kind=LetterKind.CHASE,
        recipient="a@example.invalid",
        decided_at=hanoi(decided),
        rung="overdue",
        state=state,
        finished_at=hanoi(finished) if finished else None,
        cancelled_because=because,
    )


def an_outage(since, until=None):
    return Outage(since=hanoi(since), until=hanoi(until) if until else None)


def verdict(duty, as_of=AFTER, **facts):
    return verdict_of(VerdictFacts(cycle=None, duty=duty, **facts), CALENDAR, as_of)


def test_the_first_complete_submission_is_named_and_earlier_ones_keep_their_reasons():
    missing = finding("form_missing")
    early = an_arrival("2025-06-10 09:00", Outcome.RETURNED, number=1, reasons=(missing,))
    full = an_arrival("2025-06-12 09:00", number=2)
    found = verdict(a_duty(completed="2025-06-12 09:00"), arrivals=(full, early))
    assert found.first_complete == full
    assert [each.reasons for each in found.arrivals] == [(missing,), ()]
    assert (found.standing, found.ground, found.counts) == (Standing.DONE, Ground.ON_TIME, True)


def test_a_verdict_of_a_past_day_does_not_know_what_came_later():
    duty = a_duty(completed="2025-06-20 09:00", marks=(a_mark(MarkKind.EXTENSION, "2025-06-18 09:00", "2025-07-01"),))
    late = an_arrival("2025-06-20 09:00", number=1)
    letters = (a_letter("2025-06-17 08:00", finished="2025-06-17 14:00"), a_letter("2025-06-19 08:00"))
    skips = (SkipFact(noted_at=hanoi("2025-06-19 08:00"), reason=SkipReason.EXTENDED),)
    found = verdict(duty, hanoi("2025-06-17 09:00"), arrivals=(late,), letters=letters, skips=skips)
    assert (found.standing, found.ground) == (Standing.LATE, Ground.NEVER_CAME)
    assert (found.arrivals, found.marks, found.skips, found.first_complete) == ((), (), (), None)
    assert [each.state for each in found.letters] == [LetterState.QUEUED]


def test_an_extension_moves_the_late_day_of_this_unit_alone():
    duty = a_duty(completed="2025-06-20 09:00", marks=(a_mark(MarkKind.EXTENSION, "2025-06-13 09:00", "2025-06-24"),))
    found = verdict(duty)
    assert found.is_extended
    assert (found.late_at, found.duty.late_at) == (hanoi("2025-06-24"), LATE_FROM)
    assert found.counts is True


def test_the_days_that_a_mail_waited_for_a_person_are_ours_and_overlaps_count_once():
    first = an_arrival("2025-06-10 08:00", Outcome.QUARANTINED, resolved="2025-06-12 08:00")
    second = an_arrival("2025-06-11 08:00", Outcome.QUARANTINED, resolved="2025-06-13 08:00")
    found = verdict(a_duty(completed="2025-06-13 08:00"), arrivals=(first, second))
    assert [span.until for span in found.held] == [hanoi("2025-06-12 08:00"), hanoi("2025-06-13 08:00")]
    assert found.time_held == timedelta(days=3)


def test_what_waits_still_has_no_end_and_what_a_person_did_later_is_not_known_yet():
    held = an_arrival("2025-06-10 08:00", Outcome.QUARANTINED, resolved="2025-06-20 08:00")
    found = verdict(a_duty(held="2025-06-10 08:00"), hanoi("2025-06-18 08:00"), arrivals=(held,))
    assert [span.until for span in found.held] == [None]
    assert (found.ground, found.counts) == (Ground.HELD_IN_TIME, True)
    assert found.time_held == timedelta(0)


def test_what_was_complete_before_it_was_read_lay_with_us_in_between():
    duty = replace(a_duty(completed="2025-06-16 20:00"), accepted_at=hanoi("2025-06-18 08:00"))
    assert verdict(duty).time_held == timedelta(days=1, hours=12)
    assert verdict(duty).counts is True


def test_a_mailbox_that_failed_over_the_deadline_gives_until_the_end_of_the_next_working_day():
    down = an_outage("2025-06-16 20:00", "2025-06-17 07:00")
    duty = a_duty(completed="2025-06-18 23:00")
    found = verdict(duty, outages=(down,))
    assert found.credit_until == hanoi("2025-06-19 00:00")
    assert (found.standing, found.ground, found.counts) == (Standing.DONE_LATE, Ground.OUTAGE, True)
    late = verdict(a_duty(completed="2025-06-19 00:00"), outages=(down,))
    assert (late.ground, late.counts) == (Ground.LATE, False)


def test_an_outage_that_ended_before_the_deadline_gives_nothing():
    over = an_outage("2025-06-16 08:00", "2025-06-16 23:00")
    assert outage_over(LATE_FROM, (over,), AFTER) is None
    assert credit_until(LATE_FROM, (over,), CALENDAR, AFTER) == LATE_FROM
    assert verdict(a_duty(completed="2025-06-17 08:00"), outages=(over,)).counts is False


def test_an_outage_that_began_after_the_deadline_gives_nothing():
    assert outage_over(LATE_FROM, (an_outage("2025-06-17 00:00", "2025-06-18 00:00"),), AFTER) is None


def test_while_the_mailbox_is_down_nobody_is_held_to_a_deadline_that_passed_meanwhile():
    found = verdict(a_duty(), hanoi("2025-06-18 08:00"), outages=(an_outage("2025-06-16 20:00"),))
    assert (found.ground, found.counts) == (Ground.OUTAGE_UNANSWERED, None)


def test_a_unit_that_no_letter_reached_is_not_held_to_it():
    found = verdict(a_duty(), was_written_to=False)
    assert (found.ground, found.counts) == (Ground.NO_MAIL, None)
