"""Opens a review: works out every unit's score from the facts of an instant, keeps it, and queues the letters."""

import logging
from dataclasses import dataclass
from datetime import date, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from models.db.records import letters, reviews, rosters
from models.db.records.audit import note_action
from models.db.tables import LetterRow
from models.domain.assignments import Assignment, assigned_cycle, assigned_units
from models.domain.errors import ActionRefusedError
from models.domain.plan import Obligation, Programme
from models.domain.reviews import Review, UnitScore, review_code, window_end
from models.domain.scoring import score_unit
from models.domain.vietnamese import sort_key
from models.domain.vocabulary import OFFICE_ZONE, Action, LetterKind, LetterState, ObligationKind, ReviewKind
from tasks.names import run_name
from tasks.open_cycles import open_assigned_cycle, roster_in_use
from tasks.operators import Signature, sign
from tasks.review_facts import ReviewSpan, facts_of_units, years_of
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOrder:
    """What an operator asks for: which review, how many working days units may object, and who answers for it.

    A blank title is that of its kind; `as_of` is the instant of the facts, now where it is None.
    """

    kind: ReviewKind
    year: int
    title: str
    contest_days: int
    operator: str
    reason: str
    as_of: datetime | None = None
    report_by: date | None = None
    """Last day for the report of the body that leads a phase's review; None: it is not asked for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedReview:
    """The code of a review, and how many units were scored, letters queued, and units are without any contact."""

    code: str
    n_units: int
    """0 where it was open already."""
    n_queued: int
    n_unreached: int

    @property
    def counts(self) -> dict[str, int]:
        """The same as a run returns it."""
        return {"units": self.n_units, "queued": self.n_queued, "unreached": self.n_unreached}


@task(name="open-review", task_run_name=run_name("open_review"), cache_policy=NO_CACHE)
def start_review(runtime: Runtime, order: ReviewOrder) -> OpenedReview:
    """Score every unit and open the window to object; a review that is open already is left as it is.

    Letters are queued to every working contact of every unit, each once, however often this runs.

    Raises:
        ActionRefusedError: nobody answers for it, or year, window or instant make no sense; nothing was written.
    """
    signature = sign(runtime, order.operator, order.reason)
    programme = _programme_with_criteria(runtime)
    code = review_code(order.kind, order.year)
    with runtime.sessions.begin() as session:
        review, n_units = reviews.find_review(session, code), 0
        if review is None:
            review = _review(runtime, programme, order, signature)
            units = _scored(runtime, session, programme, review)
            reviews.open_review(session, review, units)
            if order.report_by is not None:
                _ask_lead(runtime, session, programme, review, order.report_by)
            entry = signature.entry(Action.OPEN_REVIEW, code, n_units=len(units), as_of=review.as_of.isoformat())
            note_action(session, entry)
            n_units = len(units)
        n_queued, n_unreached = _queue_letters(runtime, session, review, signature.at)
    say, until = runtime.texts.say, runtime.texts.deadline(review.contest_until, programme.calendar)
    if n_units:
        logger.info(say("log.review_opened", title=review.title, n=n_units, until=until))
    else:
        logger.info(say("log.review_there", title=review.title, opened=runtime.texts.instant(review.opened_at)))
    if n_unreached:
        logger.warning(say("log.review_unreached", n=n_unreached))
    return OpenedReview(code=code, n_units=n_units, n_queued=n_queued, n_unreached=n_unreached)


def say_scores_wait(runtime: Runtime) -> None:
    """Say that letters of scores wait for office hours, when some do; the mailbox's next round within sends them."""
    with runtime.sessions() as session:
        n_left = letters.count_by_state(session, [LetterKind.SCORE]).get(LetterState.QUEUED, 0)
    if n_left:
        logger.info(runtime.texts.say("log.score_letters_wait", n=n_left))


def _programme_with_criteria(runtime: Runtime) -> Programme:
    for programme in runtime.programmes.values():
        if programme.criteria:
            return programme
    raise ActionRefusedError("review_without_criteria")


def _review(runtime: Runtime, programme: Programme, order: ReviewOrder, signature: Signature) -> Review:
    as_of = order.as_of or signature.at
    first = min(obligation.first_year for obligation in programme.obligations)
    last = max(obligation.last_year for obligation in programme.obligations)
    if not first <= order.year <= last:
        raise ActionRefusedError("review_year", year=order.year, first=first, last=last)
    if as_of > signature.at or as_of.astimezone(OFFICE_ZONE).year < order.year:
        raise ActionRefusedError("review_instant", as_of=runtime.texts.instant(as_of), year=order.year)
    title = " ".join(order.title.split()) or runtime.texts.say(f"review.title.{order.kind.value}", year=order.year)
    if len(title) > LONGEST_TITLE:
        raise ActionRefusedError("review_title", limit=LONGEST_TITLE)
    return Review(
        code=review_code(order.kind, order.year),
        programme_code=programme.code,
        kind=order.kind,
        year=order.year,
        title=title,
        as_of=as_of,
        opened_at=signature.at,
        contest_until=window_end(signature.at, order.contest_days, programme.calendar),
    )


def _scored(runtime: Runtime, session: Session, programme: Programme, review: Review) -> list[UnitScore]:
    """Return the scores of the units in force that were asked for reports, in the order of the plan."""
    roster = roster_in_use(runtime, session, programme)
    years = years_of(programme, review.year, is_yearly=review.kind is ReviewKind.YEARLY)
    facts = facts_of_units(runtime, session, ReviewSpan(programme=programme, as_of=review.as_of, **years))
    units = [
        UnitScore(
            unit_code=unit.code,
            unit_name=unit.name,
            group=unit.group,
            scores=score_unit(programme.criteria, facts[unit.code], review.as_of),
        )
        for unit in roster.in_force(review.as_of.astimezone(OFFICE_ZONE).date())
        if unit.code in facts
    ]
    if not units:
        raise ActionRefusedError("review_without_units", year=review.year)
    order = {code: place for place, code in enumerate(programme.groups)}
    return sorted(units, key=lambda unit: (order.get(unit.group, len(order)), sort_key(unit.unit_name)))


def _ask_lead(runtime: Runtime, session: Session, programme: Programme, review: Review, last_day: date) -> None:
    """Give the body that leads the phases' reviews the duty to report; its round writes and chases as for any other."""
    obligation = next((each for each in programme.obligations if _is_of_phases(each)), None)
    if review.kind is ReviewKind.YEARLY or obligation is None or obligation.lead_unit is None:
        raise ActionRefusedError("review_report_not_asked")
    say, lowered = runtime.texts.say, review.title[:1].lower() + review.title[1:]
    assignment = Assignment(
        code=f"bc-{review.code}",
        title=say("review.report.title", title=lowered),
        unit_codes=(obligation.lead_unit,),
        opens_at=review.opened_at,
        last_day=last_day,
        content=say("review.report.content", title=lowered),
        product=say("review.report.product"),
    )
    cycle = assigned_cycle(programme, obligation, assignment)
    day = review.opened_at.astimezone(OFFICE_ZONE).date()
    units = assigned_units(roster_in_use(runtime, session, programme), assignment.unit_codes, day)
    open_assigned_cycle(session, cycle, units, opened_at=review.opened_at)


def _is_of_phases(obligation: Obligation) -> bool:
    return obligation.kind is ObligationKind.REVIEW and obligation.is_opened_by_hand


def _queue_letters(runtime: Runtime, session: Session, review: Review, at: datetime) -> tuple[int, int]:
    """Queue a letter to each working contact that has none yet; return how many, and how many units have nobody."""
    if review.is_frozen or at >= review.contest_until:
        return 0, 0
    told = reviews.units_told(session, review.code)
    codes = [unit.unit_code for unit in reviews.scores(session, review.code)]
    day = at.astimezone(OFFICE_ZONE).date()
    contacts = rosters.working_contacts(session, review.programme_code, day, unit_codes=codes)
    n_queued = 0
    for unit_code in codes:
        for contact in contacts.get(unit_code, ()):
            key = f"score:{review.code}:{unit_code}:{contact.email}"
            letter = LetterRow(
                key=key,
                message_id=letters.message_id_of(key, runtime.settings.mail_from.rpartition("@")[2]),
                kind=LetterKind.SCORE,
                recipient=contact.email,
                day=day,
                state=LetterState.QUEUED,
                queued_at=at,
            )
            letter_id = letters.queue_letter(session, letter)
            if letter_id is not None:
                reviews.add_score_letter(session, review.code, unit_code, letter_id)
                n_queued += 1
    return n_queued, sum(not contacts.get(code) and code not in told for code in codes)
