"""Says a verdict in Vietnamese, alike for the terminal and for the page of the status board; and gives it as data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.domain.calendar import WorkingCalendar, last_day_before
from models.domain.duties import Mark
from models.domain.verdicts import ArrivalFact, LetterFact, Verdict
from models.domain.vocabulary import LetterState, MarkKind, Outcome
from tasks.adapters.texts import Texts

NOBODY_SENT: frozenset[LetterState] = frozenset({LetterState.CANCELLED, LetterState.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a verdict in words: a heading with rows. Without `columns` each row is a label and its value."""

    code: str
    heading: str
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictText:
    """A verdict as people read it. It does not say at which instant: as long as no fact changes it stays the same."""

    unit: str
    cycle: str
    standing: str
    summary: str
    """One sentence: what is held for or against the unit, and why."""
    sections: tuple[Section, ...] = field(default=())


def verdict_in_words(verdict: Verdict, calendar: WorkingCalendar, texts: Texts) -> VerdictText:
    """Return a verdict in words; a part that has nothing to say is left out."""
    sections = (
        _rule(verdict, calendar, texts),
        _answer(verdict, texts),
        _arrivals(verdict, texts),
        _statements(verdict, texts),
        _held(verdict, texts),
        _sent(verdict, texts),
        _unsent(verdict, texts),
        _reach(verdict, texts),
    )
    return VerdictText(
        unit=verdict.duty.unit_name,
        cycle=verdict.cycle.title,
        standing=texts.label(verdict.standing),
        summary=_summary(verdict, texts),
        sections=tuple(section for section in sections if section.rows),
    )


def verdict_as_data(verdict: Verdict, texts: Texts) -> dict[str, object]:
    """Return a verdict with codes and aware instants, for `--json`."""
    cycle, duty = verdict.cycle, verdict.duty
    return {
        "unit": duty.unit_code,
        "cycle": cycle.code,
        "as_of": verdict.as_of,
        "standing": verdict.standing,
        "timeliness": verdict.timeliness,
        "ground": verdict.ground,
        "counts": verdict.counts,
        "rule": {
            "obligation": cycle.obligation_code,
            "clause": cycle.clause,
            "decision": cycle.terms.decision,
            "roll": cycle.terms.roll,
            "period_start": cycle.period_start,
            "period_end": cycle.period_end,
            "opens_at": duty.opens_at,
            "due_at": duty.due_at,
            "late_at": duty.late_at,
        },
        "late_at": verdict.late_at,
        "received_at": verdict.received_at,
        "accepted_at": verdict.accepted_at,
        "first_complete": None if verdict.first_complete is None else verdict.first_complete.id,
        "arrivals": [_arrival_as_data(each, texts) for each in verdict.arrivals],
        "marks": [
            {
                "kind": mark.kind,
                "stated_at": mark.stated_at,
                "until": mark.until,
                "operator": mark.operator,
                "reason": mark.reason,
            }
            for mark in verdict.marks
        ],
        "given_back": [{"at": each.reopened_at, "comment": each.comment} for each in verdict.reopenings],
        "held": [{"since": span.since, "until": span.until} for span in verdict.held],
        "outage": None
        if verdict.outage is None
        else {"since": verdict.outage.since, "until": verdict.outage.until, "credit_until": verdict.credit_until},
        "letters": [
            {
                "kind": each.kind,
                "rung": each.rung or None,
                "recipient": each.recipient,
                "state": each.state,
                "at": each.finished_at,
                "not_sent_because": each.cancelled_because,
                "detail": each.detail,
            }
            for each in verdict.letters
        ],
        "not_written_to": [
            {"at": each.noted_at, "rung": each.rung or None, "reason": each.reason} for each in verdict.skips
        ],
        "bounced": [{"address": each.address, "since": each.since} for each in verdict.bounces],
        "inherited_by": None if verdict.ended is None else verdict.ended.heir_code,
        "answers_for": list(verdict.stands_for),
    }


def _arrival_as_data(arrival: ArrivalFact, texts: Texts) -> dict[str, object]:
    return {
        "id": arrival.id,
        "received_at": arrival.received_at,
        "judged_at": arrival.judged_at,
        "resolved_at": arrival.resolved_at,
        "channel": arrival.channel,
        "outcome": arrival.outcome,
        "sender": arrival.sender,
        "file": arrival.file_name,
        "reasons": [
            {"code": each.code, "sheet": each.sheet, "cell": each.cell, "message": texts.placed_finding(each)}
            for each in arrival.reasons
        ],
    }


def _summary(verdict: Verdict, texts: Texts) -> str:
    at = verdict.received_at or min((span.since for span in verdict.held if span.until is None), default=None)
    ground = texts.say(
        f"verdict.ground.{verdict.ground.value}",
        at=texts.instant(at) if at else "–",
        until=texts.day(last_day_before(verdict.late_at)),
        credit=texts.day(last_day_before(verdict.credit_until)),
    )
    counted = {True: "for", False: "against", None: "none"}[verdict.counts]
    return texts.say("verdict.summary", ground=ground, counts=texts.say(f"verdict.counts.{counted}"))


def _rule(verdict: Verdict, calendar: WorkingCalendar, texts: Texts) -> Section:
    cycle, duty = verdict.cycle, verdict.duty
    rows = [
        ("clause", texts.say("verdict.clause", clause=cycle.clause, obligation=cycle.obligation_code)),
        ("decision", cycle.terms.decision),
    ]
    if cycle.period_start is not None and cycle.period_end is not None:
        period = texts.say("verdict.period", first=texts.day(cycle.period_start), last=texts.day(cycle.period_end))
        rows.append(("period", period))
    rows += [
        ("opens", texts.instant(duty.opens_at)),
        ("due", texts.deadline(duty.due_at, calendar)),
        ("roll", texts.label(cycle.terms.roll)),
        ("late", _late_from(duty.late_at, texts)),
    ]
    if verdict.is_extended:
        rows.append(("late_extended", _late_from(verdict.late_at, texts)))
    required = [rule.title for rule in cycle.terms.required_attachments]
    if cycle.has_form:
        required.insert(0, texts.say("verdict.the_form"))
    rows.append(("required", "; ".join(required) or texts.say("verdict.a_word")))
    return _facts("rule", rows, texts)


def _late_from(late: datetime, texts: Texts) -> str:
    return texts.say("verdict.late_from", instant=texts.instant(late), last=texts.day(last_day_before(late)))


def _answer(verdict: Verdict, texts: Texts) -> Section:
    rows = [("standing", texts.label(verdict.standing))]
    if verdict.received_at is not None:
        rows.append(("received", texts.instant(verdict.received_at)))
    if verdict.timeliness is not None:
        rows.append(("timeliness", texts.label(verdict.timeliness)))
    if verdict.first_complete is not None:
        rows.append(("first_complete", _named(verdict.first_complete, verdict, texts)))
    elif verdict.received_at is not None:
        rows.append(("first_complete", _word_or_other(verdict, texts)))
    if verdict.accepted_at is not None:
        rows.append(("accepted", texts.instant(verdict.accepted_at)))
    if verdict.outage is not None:
        rows.append(("outage", _outage(verdict, texts)))
    return _facts("answer", rows, texts)


def _outage(verdict: Verdict, texts: Texts) -> str:
    outage = verdict.outage
    if outage is None:
        return texts.say("verdict.no_outage")
    until = texts.instant(outage.until) if outage.until is not None else texts.say("verdict.until_now")
    credit = texts.day(last_day_before(verdict.credit_until))
    return texts.say("verdict.outage", since=texts.instant(outage.since), until=until, credit=credit)


def _word_or_other(verdict: Verdict, texts: Texts) -> str:
    """Say what answered the duty where no document did."""
    said = [mark for mark in verdict.marks if mark.kind in {MarkKind.NIL, MarkKind.DONE}]
    if said:
        return texts.say("verdict.by_word", what=texts.label(said[0].kind))
    code = "verdict.by_other" if verdict.settled_with else "verdict.by_hand"
    return texts.say(code, title=verdict.settled_with)


def _named(arrival: ArrivalFact, verdict: Verdict, texts: Texts) -> str:
    number = f"{verdict.duty.id}-{arrival.number}"
    return texts.say("verdict.submission", number=number, channel=texts.label(arrival.channel))


def _arrivals(verdict: Verdict, texts: Texts) -> Section:
    return _table("arrivals", ["received", "channel", "outcome", "why"], _arrival_rows(verdict, texts), texts)


def _arrival_rows(verdict: Verdict, texts: Texts) -> Iterator[tuple[str, ...]]:
    for arrival in verdict.arrivals:
        outcome = texts.label(arrival.outcome)
        if arrival is verdict.first_complete:
            outcome = texts.say("verdict.first", outcome=outcome)
        elif arrival.outcome is Outcome.QUARANTINED and arrival.resolved_at is not None:
            outcome = texts.say("verdict.resolved", outcome=outcome, at=texts.instant(arrival.resolved_at))
        whence = arrival.sender or arrival.operator or "–"
        channel = texts.say("verdict.whence", channel=texts.label(arrival.channel), whence=whence)
        why = "\n".join(texts.placed_finding(each) for each in arrival.reasons) or "–"
        yield texts.instant(arrival.received_at), channel, outcome, why


def _statements(verdict: Verdict, texts: Texts) -> Section:
    rows = [(mark.stated_at, _mark(mark, texts)) for mark in verdict.marks]
    rows += [
        (each.reopened_at, (texts.say("verdict.given_back"), "–", "–", each.comment or "–"))
        for each in verdict.reopenings
    ]
    ordered = [(texts.instant(at), *cells) for at, cells in sorted(rows, key=lambda row: row[0])]
    return _table("statements", ["at", "what", "until", "who", "reason"], ordered, texts)


def _mark(mark: Mark, texts: Texts) -> tuple[str, ...]:
    until = texts.day(last_day_before(mark.until)) if mark.until is not None else "–"
    return texts.label(mark.kind), until, mark.operator or texts.say("verdict.the_unit"), mark.reason or "–"


def _held(verdict: Verdict, texts: Texts) -> Section:
    rows = [
        (
            texts.instant(span.since),
            texts.instant(span.until) if span.until is not None else texts.say("verdict.until_now"),
            _duration(span.until - span.since, texts) if span.until is not None else texts.say("verdict.goes_on"),
        )
        for span in verdict.held
    ]
    if len(rows) > 1 and verdict.time_held:
        rows.append((texts.say("verdict.altogether"), "", _duration(verdict.time_held, texts)))
    return _table("held", ["since", "until", "duration"], rows, texts)


def _duration(span: timedelta, texts: Texts) -> str:
    minutes = max(1, round(span.total_seconds() / 60))
    days, hours = span.days, span.seconds // 3600
    if days:
        return texts.say("verdict.days_hours", days=days, hours=hours)
    return texts.say("verdict.hours", hours=hours) if hours else texts.say("verdict.minutes", n=minutes)


def _sent(verdict: Verdict, texts: Texts) -> Section:
    rows = [
        (
            texts.instant(each.finished_at) if each.finished_at else "–",
            _letter(each, texts),
            each.recipient,
            texts.label(each.state),
        )
        for each in verdict.letters
        if each.cancelled_because is None and each.state not in NOBODY_SENT
    ]
    return _table("sent", ["at", "what", "recipient", "state"], rows, texts)


def _letter(letter: LetterFact, texts: Texts) -> str:
    if not letter.rung:
        return texts.label(letter.kind)
    rung = texts.say(f"rung.{letter.rung}")
    return texts.say("verdict.by_operator", rung=rung) if letter.is_by_hand else rung


def _unsent(verdict: Verdict, texts: Texts) -> Section:
    """Say which letters were not sent, and why; a rung that waited for the same reason twice is said once."""
    rows = [
        (
            texts.instant(each.finished_at or each.decided_at),
            _letter(each, texts),
            texts.say("verdict.taken_back", reason=texts.label(each.cancelled_because))
            if each.cancelled_because is not None
            else texts.say("verdict.not_out", state=texts.label(each.state), detail=each.detail or "–"),
        )
        for each in verdict.letters
        if each.cancelled_because is not None or each.state in NOBODY_SENT
    ]
    rows += [
        (
            texts.instant(each.noted_at),
            texts.say(f"rung.{each.rung}") if each.rung else texts.say("verdict.no_rung"),
            texts.label(each.reason),
        )
        for each in verdict.skips
    ]
    return _table("unsent", ["at", "what", "reason"], rows, texts)


def _reach(verdict: Verdict, texts: Texts) -> Section:
    rows = [
        ("bounced", texts.say("verdict.bounced", address=each.address, since=texts.instant(each.since)))
        for each in verdict.bounces
    ]
    if verdict.ended is not None:
        code = "verdict.inherited_by" if verdict.ended.heir_code else "verdict.no_heir"
        rows.append(
            (
                "ended",
                texts.say(
                    code,
                    day=texts.day(verdict.ended.last_day),
                    heir=verdict.ended.heir_name,
                    document=verdict.ended.document or "–",
                ),
            )
        )
    rows += [("stands_for", name) for name in verdict.stands_for]
    return _facts("reach", rows, texts)


def _facts(code: str, rows: Sequence[tuple[str, str]], texts: Texts) -> Section:
    told = tuple((texts.say(f"verdict.fact.{name}"), value) for name, value in rows)
    return Section(code=code, heading=texts.say(f"verdict.heading.{code}"), rows=told)


def _table(
    code: str, columns: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]], texts: Texts
) -> Section:
    return Section(
        code=code,
        heading=texts.say(f"verdict.heading.{code}"),
        columns=tuple(texts.say(f"verdict.column.{name}") for name in columns),
        rows=tuple(rows),
    )
