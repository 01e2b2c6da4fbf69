"""Understands the answers that need no form: "Không phát sinh", "Hẹn nộp ngày 20/6/2025", "Giải trình: …" and others.

Only a line that says nothing else counts. Whatever could mean two things is None, and a person reads it. The phrases
come in as data: no Vietnamese stands here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from models.domain.submissions import Reply
from models.domain.vietnamese import comparison_key, tidy

LINES_READ: Final = 4
WORDS_OF_LEAD: Final = 10
LINES_OF_EXPLANATION: Final = 60
CHARACTERS_OF_EXPLANATION: Final = 1_000
WORDS_OF_EXPLANATION: Final = 3
"""Fewer words explain nothing: the bare word for an explanation has two."""
WORDS_OF_NUMBERED_EXPLANATION: Final = 2
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
    contest: tuple[str, ...]
    """Words by which a unit says that a duty is not its own ("không thuộc trách nhiệm")."""
    contest_denials: tuple[str, ...]
    """Words that make a contest void ("nếu")."""
    explain: tuple[str, ...]
    """Words that an explanation begins with ("giải trình")."""
    explain_denials: tuple[str, ...]
    """Words that make an explanation void ("sẽ giải trình")."""
    item_words: tuple[str, ...]
    """Words that may stand before the number of a question ("nội dung")."""
    month_word: str
    """The word between day and month in a date written out ("tháng")."""
    year_word: str


def read_reply(own_text: str, *, phrases: ReplyPhrases, today: date) -> Reply | None:
    """Return the one answer in what a person wrote; None when there is none, or more than one.

    A nil report, a promise, an act done and a contest stand in one of the first lines; explanations may be longer.
    """
    replies = [reply for line in _first_lines(own_text, phrases) if (reply := _read_line(line, phrases, today))]
    if replies:
        return replies[0] if len(replies) == 1 else None
    given = _explanations(own_text, phrases)
    return Reply(given=given, reason=given[0][1]) if given else None


def _first_lines(own_text: str, phrases: ReplyPhrases) -> list[str]:
    return _spoken_lines(own_text, phrases)[:LINES_READ]


def _spoken_lines(own_text: str, phrases: ReplyPhrases) -> list[str]:
    lines = [tidy(line) for line in own_text.splitlines()]
    greetings = tuple(phrase_key(greeting) for greeting in phrases.greetings)
    return [line for line in lines if line and not phrase_key(line).startswith(greetings)]


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
    if done_on is not None:
        return Reply(done_on=done_on, reason=line)
    is_contest = _says(key, phrases.contest) and not _says(key, phrases.contest_denials)
    return Reply(is_contest=True, reason=line) if is_contest else None


def _explanations(own_text: str, phrases: ReplyPhrases) -> tuple[tuple[int, str], ...]:
    """Return what explains, by the number of its question; the number 0 is a text that names none."""
    lines = _spoken_lines(own_text, phrases)[:LINES_OF_EXPLANATION]
    if any(_says(phrase_key(line), phrases.explain_denials) or line.endswith("?") for line in lines):
        return ()
    numbered = _numbered(lines, phrases)
    if numbered:
        return numbered
    text = " ".join(lines)[:CHARACTERS_OF_EXPLANATION]
    is_said = bool(lines) and _begins_an_explanation(phrase_key(lines[0]), phrases)
    return ((0, text),) if is_said and len(text.split()) >= WORDS_OF_EXPLANATION else ()


def _numbered(lines: Sequence[str], phrases: ReplyPhrases) -> tuple[tuple[int, str], ...]:
    words = "|".join(map(re.escape, phrases.item_words))
    pattern = re.compile(rf"(?:(?:{words})\s+)?(\d{{1,2}})\s*[.):]\s+(.+)", re.IGNORECASE)
    found: dict[int, str] = {}
    number = 0
    for line in lines:
        item = pattern.fullmatch(line)
        if item is not None:
            number = int(item[1])
            found[number] = item[2]
        elif number:
            found[number] = f"{found[number]} {line}"
    told = {each: text[:CHARACTERS_OF_EXPLANATION] for each, text in found.items()}
    is_whole = 0 not in told and all(len(text.split()) >= WORDS_OF_NUMBERED_EXPLANATION for text in told.values())
    return tuple(told.items()) if is_whole else ()


def _begins_an_explanation(key: str, phrases: ReplyPhrases) -> bool:
    for phrase in map(phrase_key, phrases.explain):
        before, found, _ = f" {key} ".partition(f" {phrase} ")
        if found and _is_lead(before.strip(), phrases):
            return True
    return False


def _says(key: str, phrases: Sequence[str]) -> bool:
    return any(f" {phrase_key(phrase)} " in f" {key} " for phrase in phrases)


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
