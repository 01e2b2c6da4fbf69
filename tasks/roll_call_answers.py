"""Judges the answer to a roll-call: a plain word from the contact who was asked confirms, all else a person reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from models.db.records import roll_calls, rosters
from models.db.records.roll_calls import AskedContact
from models.domain.forms import Finding, note
from models.domain.roll_call import RollCallAnswer, RollCallPhrases, read_answer
from models.domain.submissions import Verdict
from models.domain.vocabulary import Outcome
from tasks.ports import ParsedMail


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRollCalls:
    """The roll-call letters that some arrivals may answer, and the names of the units in them."""

    by_token: Mapping[str, AskedContact] = field(default_factory=dict)
    by_message: Mapping[str, AskedContact] = field(default_factory=dict)
    unit_names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By programme and code."""

    def answered_by(self, mail: ParsedMail, tokens: Iterable[str]) -> AskedContact | None:
        """Return what a mail answers: by its token, else by the letter that it replies to."""
        by_token = (self.by_token[token] for token in tokens if token in self.by_token)
        by_thread = (self.by_message[each] for each in mail.in_reply_to if each in self.by_message)
        return next(by_token, None) or next(by_thread, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRollCall:
    """The outcome of an answer, and the address that it confirms; empty where it confirms none."""

    verdict: Verdict
    confirmed: str = ""


def look_up_roll_calls(session: Session, tokens: Iterable[str], message_ids: Iterable[str]) -> KnownRollCalls:
    """Return the roll-call letters that tokens or Message-IDs name."""
    by_token = roll_calls.asked_by_token(session, set(tokens))
    by_message = roll_calls.asked_by_message(session, set(message_ids))
    names: dict[tuple[str, str], str] = {}
    for asked in (*by_token.values(), *by_message.values()):
        found = rosters.unit_names(session, asked.programme_code, asked.unit_codes)
        names |= {(asked.programme_code, code): name for code, name in found.items()}
    return KnownRollCalls(by_token=by_token, by_message=by_message, unit_names=names)


def judge_roll_call(
    asked: AskedContact, mail: ParsedMail, known: KnownRollCalls, phrases: RollCallPhrases, *, has_files: bool
) -> JudgedRollCall:
    """Return the verdict on an answer.

    It confirms when the contact who was asked says so in plain words. A contact that is proposed changes nothing by
    itself; that, an answer from somebody else, and one that brings documents or workbooks go to a person.
    """
    answer = read_answer(mail.own_text, phrases)
    is_from_contact = mail.sender.lower() == asked.address
    is_confirmed = answer.is_confirmed and is_from_contact
    units = "; ".join(known.unit_names.get((asked.programme_code, code), code) for code in asked.unit_codes)
    is_settled = is_confirmed and not answer.proposals and not has_files
    reasons = (
        (note("contact_confirmed", address=asked.address, units=units, programme=asked.programme_code),)
        if is_settled
        else _why_a_person(asked, answer, units, is_from_contact=is_from_contact)
    )
    verdict = Verdict(
        outcome=Outcome.ACCEPTED if is_settled else Outcome.QUARANTINED,
        reasons=reasons,
        unit_code=asked.unit_codes[0] if len(asked.unit_codes) == 1 else None,
    )
    return JudgedRollCall(verdict=verdict, confirmed=asked.address if is_confirmed else "")


def _why_a_person(
    asked: AskedContact, answer: RollCallAnswer, units: str, *, is_from_contact: bool
) -> tuple[Finding, ...]:
    address = asked.address
    stranger = () if is_from_contact else (note("roll_call_of_another", address=address, units=units),)
    proposed = tuple(
        note("contact_proposed", address=address, units=units, proposal=proposal) for proposal in answer.proposals
    )
    return (*stranger, *proposed) or (note("roll_call_unclear", address=address, units=units),)
