"""Gives an arrival its one outcome from the evidence: accepted, returned with findings, quarantined, or ignored."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from models.domain.forms import CheckedForm, Finding, finding, note
from models.domain.plan import AttachmentRule, Terms
from models.domain.questions import answers_to, key_of
from models.domain.submissions import Attribution, Contribution, Reply, Verdict, completed_at
from models.domain.versions import CountedVersion, VersionChange, actuals_in, change_of
from models.domain.vocabulary import OFFICE_ZONE, Outcome

NOT_OUR_DUTY: Final = "not_our_duty"
"""The reason of a reply that says that the duty is not the unit's; chasing rests until a person has decided."""

UNCHANGED_VERSION: Final = "unchanged_version"
"""The reason of a form that says what the counted one says: nothing is made of it."""
VERSION_LOCKED: Final = "version_locked"
"""The reason of a form that would change a report which is closed: a person decides."""
SEVERAL_FORMS: Final = "several_forms"
"""The reason of different forms for one duty: a person says which of them is meant."""
DOCUMENTS_UNTOLD: Final = "documents_untold"
"""The reason of a form whose document may be among those that came with it and others, and nothing tells which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one arrival when it is judged."""

    received_at: datetime
    attribution: Attribution
    cycle_code: str | None = None
    """Cycle of the duty it was put to, or of the guess."""
    ignorable: Finding | None = None
    """Why nobody waits for an answer: an automatic reply, a bounce, our own letter, a copy of what came before."""
    file_findings: Sequence[Finding] = ()
    """Why the file sent is no form that can be read: damaged, encrypted, not ours, of another cycle or version."""
    unusable: Sequence[Finding] = ()
    """What to do about files that may hold the answer, but not in a form that can be read, such as Word or CSV."""
    n_forms: int = 0
    is_from_a_contact: bool = False
    """The sender, or the operator who carried it here, is known."""
    checked: CheckedForm | None = None
    attachments: frozenset[str] = frozenset()
    reply: Reply | None = None
    asked: Sequence[Finding] = ()
    """The questions of the letter that a reply answers, those that are still open."""
    untold: Sequence[str] = ()
    """Names of documents that came with several forms, and may be this one's or another's."""


def judge(
    evidence: Evidence,
    *,
    required: Sequence[AttachmentRule] = (),
    earlier: Sequence[Contribution] = (),
    needs_form: bool = True,
) -> Verdict:
    """Return the verdict; `required` and `earlier` are those of the duty that the arrival was attributed to.

    `needs_form` is False for a duty that is answered with documents or an act alone.
    """
    if evidence.ignorable is not None:
        return Verdict(outcome=Outcome.IGNORED, reasons=(evidence.ignorable,))
    if evidence.n_forms > 1:
        return _verdict(evidence, Outcome.QUARANTINED, (note(SEVERAL_FORMS, n=evidence.n_forms),))
    if evidence.file_findings:
        return _judge_unreadable(evidence)
    if not _brings_something(evidence):
        return _judge_empty(evidence, needs_form=needs_form)
    if not evidence.attribution.is_certain:
        return _verdict(evidence, Outcome.QUARANTINED, evidence.attribution.reasons)
    return _judge_answer(evidence, required, earlier, needs_form=needs_form)


def reply_that_counts(reply: Reply | None, terms: Terms, *, asked: Sequence[Finding] = ()) -> Reply | None:
    """Return the reply if it can answer a duty of these terms; else a person reads it.

    "Nothing to report" answers a form, "done on that day" an act that may be settled by word; a promise and "not our
    duty" go anywhere. An explanation answers the questions of the letter it replies to (`asked`), if there were any.
    """
    if reply is None or reply.promised_on is not None or reply.is_contest:
        return reply
    if reply.given:
        explained = answers_to(asked, reply.given)
        return replace(reply, explained=explained) if explained else None
    if reply.is_nil:
        return reply if terms.form is not None else None
    return reply if terms.is_settled_by_word else None


def missing_attachments(
    required: Sequence[AttachmentRule], contributions: Sequence[Contribution]
) -> tuple[AttachmentRule, ...]:
    """Return the required documents that no contribution has brought."""
    brought = frozenset[str]().union(*(contribution.attachments for contribution in contributions))
    return tuple(rule for rule in required if rule.code not in brought)


def judge_version(
    verdict: Verdict, form: CheckedForm | None, counted: CountedVersion | None, *, locked: bool
) -> Verdict:
    """Return the verdict of a form that answers a duty which is answered already, with what it is to the earlier one.

    `counted` is the version that counts, None where none does (a nil report has no figures); `locked` says that it may
    not be replaced without a person.
    """
    if form is None or (counted is None and not locked):
        return verdict
    received = _in_words(counted.received_at) if counted is not None else ""
    if verdict.outcome is Outcome.RETURNED and counted is not None:
        return replace(verdict, reasons=(*verdict.reasons, note("earlier_version_counts", received=received)))
    is_taken = verdict.outcome is Outcome.ACCEPTED
    return _with_change(verdict, form, counted, locked=locked, received=received) if is_taken else verdict


def _with_change(
    verdict: Verdict, form: CheckedForm, counted: CountedVersion | None, *, locked: bool, received: str
) -> Verdict:
    match change_of(form, counted, locked=locked):
        case VersionChange.UNCHANGED:
            return replace(verdict, reasons=(note(UNCHANGED_VERSION, received=received), *verdict.reasons))
        case VersionChange.REPLACES:
            return replace(verdict, reasons=(note("replaces_version", received=received), *verdict.reasons))
        case VersionChange.ACTUALS:
            n = len(actuals_in(form, counted.form)) if counted is not None else 0
            return replace(verdict, reasons=(note("actuals_replace", n=n), *verdict.reasons))
        case VersionChange.LOCKED:
            return replace(verdict, outcome=Outcome.QUARANTINED, reasons=(note(VERSION_LOCKED),))
        case unknown:
            assert_never(unknown)


def _in_words(instant: datetime) -> str:
    local = instant.astimezone(OFFICE_ZONE)
    return f"{local:%H:%M} {local.day}/{local.month}/{local.year}"


def contribution_of(evidence: Evidence) -> Contribution:
    """Return what the arrival brings to its duty."""
    return Contribution(
        received_at=evidence.received_at,
        has_sound_form=evidence.checked is not None and not evidence.checked.has_blocking,
        attachments=evidence.attachments,
    )


def _judge_unreadable(evidence: Evidence) -> Verdict:
    """A file that cannot be credited may be answered when we know whom we answer, and about which duty."""
    if evidence.is_from_a_contact and evidence.attribution.duty_id is not None:
        return _verdict(evidence, Outcome.RETURNED, evidence.file_findings)
    return _verdict(evidence, Outcome.QUARANTINED, (*evidence.attribution.reasons, *evidence.file_findings))


def _judge_empty(evidence: Evidence, *, needs_form: bool) -> Verdict:
    if evidence.unusable and needs_form and evidence.is_from_a_contact and evidence.attribution.duty_id is not None:
        return _verdict(evidence, Outcome.RETURNED, evidence.unusable)
    if evidence.is_from_a_contact or evidence.attribution.duty_id is not None:
        return _verdict(evidence, Outcome.QUARANTINED, (note("nothing_to_read"), *evidence.unusable))
    return Verdict(outcome=Outcome.IGNORED, reasons=(note("stranger_without_form"), *evidence.unusable))


def _judge_answer(
    evidence: Evidence, required: Sequence[AttachmentRule], earlier: Sequence[Contribution], *, needs_form: bool
) -> Verdict:
    if evidence.checked is None and evidence.reply is not None and not evidence.attachments:
        return _judge_reply(evidence, evidence.reply)
    contributions = [*earlier, contribution_of(evidence)]
    findings = evidence.checked.findings if evidence.checked else ()
    lacking = tuple(
        finding("attachment_missing", title=rule.title) for rule in missing_attachments(required, contributions)
    )
    has_form = any(contribution.has_sound_form for contribution in contributions)
    if needs_form and not has_form and evidence.checked is None:
        lacking = (finding("form_missing"), *lacking)
    if evidence.checked is not None and evidence.checked.has_blocking:
        return _verdict(evidence, Outcome.RETURNED, (*findings, *lacking))
    if completed_at(contributions, frozenset(rule.code for rule in required), needs_form=needs_form) is None:
        if evidence.untold and missing_attachments(required, contributions):
            untold = note(DOCUMENTS_UNTOLD, names=", ".join(evidence.untold))
            return _verdict(evidence, Outcome.QUARANTINED, (untold, *findings))
        return _verdict(evidence, Outcome.RETURNED, (*lacking, *findings))
    estimated = [figure for figure in evidence.checked.figures if figure.is_estimate] if evidence.checked else []
    told = (note("estimates_noted", n=len(estimated)),) if estimated else ()
    return _verdict(evidence, Outcome.ACCEPTED, (*findings, *told))


def _brings_something(evidence: Evidence) -> bool:
    return evidence.checked is not None or evidence.n_forms > 0 or bool(evidence.attachments or evidence.reply)


def _judge_reply(evidence: Evidence, reply: Reply) -> Verdict:
    """What a unit says of its duty is taken at its word, but that it is not its own: that a person decides."""
    if reply.is_contest:
        return _verdict(evidence, Outcome.QUARANTINED, (note(NOT_OUR_DUTY, text=reply.reason),))
    if reply.explained:
        told = {each.key for each in reply.explained}
        open_yet = (item for item in evidence.asked if key_of(item) not in told)
        noted = (note("explanation_noted", label=each.label, text=each.text) for each in reply.explained)
        return _verdict(evidence, Outcome.ACCEPTED, (*noted, *open_yet))
    return _verdict(evidence, Outcome.ACCEPTED, (_about_the_reply(reply),))


def _about_the_reply(reply: Reply) -> Finding:
    if reply.is_nil:
        return note("nil_reported")
    if reply.done_on is not None:
        return note("done_reported", day=f"{reply.done_on:%d/%m/%Y}")
    day = reply.promised_on.strftime("%d/%m/%Y") if reply.promised_on else ""
    return note("promise_noted", day=day)


def _verdict(evidence: Evidence, outcome: Outcome, reasons: Sequence[Finding]) -> Verdict:
    return Verdict(
        outcome=outcome,
        reasons=tuple(reasons),
        duty_id=evidence.attribution.duty_id,
        unit_code=evidence.attribution.unit_code,
        cycle_code=evidence.cycle_code,
    )
