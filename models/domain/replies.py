"""Understands the one-line answers that need no form: "Không phát sinh", "Hẹn nộp ngày 20/6/2025", "Đã tổ chức …".

Only a line that says nothing else counts. Whatever could mean two things is None, and a person reads it. The phrases
come in as data: no Vietnamese stands here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from models.domain.submissions import Reply
from models.domain.vietnamese import comparison_key, tidy

LINES_READ: Final = 4
WORDS_OF_LEAD: Final = 10
DAYS_A_PROMISE_MAY_REACH: Final = 60
"""A later date is no promise but a request for an extension, which a person decides."""
_PUNCTUATION: Final = re.compile(r"[^\w\s/?]", re.UNICODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyPhrases:
    """The words by which answers are known; compared without regard to case, accents' place and punctuation."""

    greetings: tuple[str, ...]
    """Beginnings of lines that are passed over."""
    nil: tuple[str, ...]
    nil_leads: tuple[str, ...]
    """Words that may end what stands before a nil phrase ("Sở Y tế báo cáo ...")."""
    nil_tails: tuple[str, ...]
    promise: tuple[str, ...]
    done: tuple[str, ...]
    """Words by which a unit says that an act is done, with its day ("đã tổ chức")."""
    denials: tuple[str, ...]
    """Words that make a promise or a report of an act void ("không thể", "chưa")."""
    month_word: str
    """The word between day and month in a date written out ("tháng")."""
    year_word: str


def read_reply(own_text: str, *, phrases: ReplyPhrases, today: date) -> Reply | None:
    """Return the nil report or promise in the first lines a person wrote; None when there is neither, or both."""
    replies = [reply for line in _first_lines(own_text, phrases) if (reply := _read_line(line, phrases, today))]
    return replies[0] if len(replies) == 1 else None


def _first_lines(own_text: str, phrases: ReplyPhrases) -> list[str]:
    lines = [tidy(line) for line in own_text.splitlines()]
    greetings = tuple(phrase_key(greeting) for greeting in phrases.greetings)
    spoken = [line for line in lines if line and not phrase_key(line).startswith(greetings)]
    return spoken[:LINES_READ]


def _read_line(line: str, phrases: ReplyPhrases, today: date) -> Reply | None:
    key = phrase_key(line)
    if key.endswith("?"):
        return None
    if _is_nil(key, phrases):
        return Reply(is_nil=True, reason=line)
    promised_on = _promised_on(line, key, phrases, today)
    if promised_on is not None:
        return Reply(promised_on=promised_on, reason=line)
    done_on = _done_on(line, key, phrases, today)
    return None if done_on is None else Reply(done_on=done_on, reason=line)


def _is_nil(key: str, phrases: ReplyPhrases) -> bool:
    for phrase in map(phrase_key, phrases.nil):
        before, found, after = f" {key} ".partition(f" {phrase} ")
        if found and _is_lead(before.strip(), phrases) and _is_tail(after.strip(), phrases):
            return True
    return False


def _is_lead(words: str, phrases: ReplyPhrases) -> bool:
    if not words:
        return True
    is_short = len(words.split()) <= WORDS_OF_LEAD and not any(character.isdigit() for character in words)
    return is_short and words.endswith(tuple(phrase_key(lead) for lead in phrases.nil_leads))


def _is_tail(words: str, phrases: ReplyPhrases) -> bool:
    for tail in sorted(map(phrase_key, phrases.nil_tails), key=len, reverse=True):
        words = f" {words} ".replace(f" {tail} ", " ", 1).strip()
    return not words


def _promised_on(line: str, key: str, phrases: ReplyPhrases, today: date) -> date | None:
    padded = f" {key} "
    promises = [phrase for phrase in map(phrase_key, phrases.promise) if f" {phrase} " in padded]
    denied = any(f" {phrase_key(denial)} " in padded for denial in phrases.denials)
    dates = set(_dates(line, phrases, today))
    if not promises or denied or len(dates) != 1:
        return None
    promised_on = dates.pop()
    if promised_on is None or not today <= promised_on <= today + timedelta(days=DAYS_A_PROMISE_MAY_REACH):
        return None
    return promised_on


def _done_on(line: str, key: str, phrases: ReplyPhrases, today: date) -> date | None:
    """Return the day on which an act was done: the one date of the line, and not one that is still to come."""
    padded = f" {key} "
    is_said = any(f" {phrase} " in padded for phrase in map(phrase_key, phrases.done))
    is_denied = any(f" {phrase_key(denial)} " in padded for denial in phrases.denials)
    dates = set(_dates(line, phrases, today, is_past=True))
    if not is_said or is_denied or len(dates) != 1:
        return None
    done_on = dates.pop()
    return done_on if done_on is not None and done_on <= today else None


def _dates(line: str, phrases: ReplyPhrases, today: date, *, is_past: bool = False) -> Iterator[date | None]:
    """Yield every date of a line, None for one that does not exist; one without a year is the nearest of its side."""
    month, year = re.escape(phrases.month_word), re.escape(phrases.year_word)
    written = (
        rf"(?<![\d/.-])(\d{{1,2}})\s*(?:[/.-]|{month})\s*(\d{{1,2}})"
        rf"(?:\s*(?:[/.-]|{year})\s*(\d{{4}}))?(?![\d/-]|\.\d)"
    )
    for day_number, month_number, year_number in re.findall(written, line, re.IGNORECASE):
        written_year = int(year_number) if year_number else None
        yield _date(int(day_number), int(month_number), written_year, today, is_past=is_past)


def _date(day: int, month: int, year: int | None, today: date, *, is_past: bool) -> date | None:
    try:
        if year is not None:
            return date(year, month, day)
        this_year = date(today.year, month, day)
        if is_past:
            return this_year if this_year <= today else date(today.year - 1, month, day)
        return this_year if this_year >= today else date(today.year + 1, month, day)
    except ValueError:
        return None


def phrase_key(text: str) -> str:
    """Return what phrases are compared by: neither case nor the place of a tone mark nor punctuation counts."""
    return " ".join(_PUNCTUATION.sub(" ", comparison_key(text)).split())
