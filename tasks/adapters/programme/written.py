"""The types of what a clerk writes in YAML, each with the fault that says what to write instead.

Used by the models of `plan.yaml` and of the forms; it knows what a day or a code looks like, not what it is for.
A name that must exist elsewhere in the folder is checked against the names handed over as pydantic's context.
"""

import re
import string
from collections.abc import Callable, Collection, Mapping
from datetime import date, time
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from annotated_types import Len
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

LEAP_YEAR: Final = 2024
_CODE: Final = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DAY_MONTH: Final = re.compile(r"(\d{1,2})/(\d{1,2})")
_YEAR_DAY: Final = re.compile(r"(\d{1,2}/\d{1,2})/Y(-[1-9])?")
_WRITTEN_DAY: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_SPAN: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_MAX_ADDRESS: Final = 254
_MAX_LISTED: Final = 40


class Written(BaseModel):
    """Something a clerk wrote: no key may be misspelled, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DayMonth(NamedTuple):
    """A day of every year."""

    day: int
    month: int


class YearDayWritten(NamedTuple):
    """A day counted from a cycle's year."""

    day: int
    month: int
    year_offset: int


def nearest(found: str, allowed: Collection[str]) -> str:
    """Return the allowed word that was probably meant, or nothing."""
    folded = {word.casefold(): word for word in allowed}
    close = get_close_matches(found.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


def unknown_name(found: str, allowed: Collection[str]) -> tuple[str, dict[str, object]]:
    """Return the code and facts of a fault: a word that is not among those allowed."""
    listed = ", ".join(list(allowed)[:_MAX_LISTED])
    facts: dict[str, object] = {"found": found, "allowed": listed}
    meant = nearest(found, allowed)
    return ("name_unknown_near", facts | {"nearest": meant}) if meant else ("name_unknown", facts)


def is_address(text: str) -> bool:
    """Say whether a text is one plain e-mail address: ASCII, no spaces, a dotted domain."""
    return len(text) <= _MAX_ADDRESS and _ADDRESS.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Say whether a text may be a code of the roster: lower-case ASCII words joined by hyphens."""
    return _SLUG.fullmatch(text) is not None


def day_written(text: str) -> date | None:
    """Return the date of "2026-01-02" or "02/01/2026", None for anything else."""
    written = _WRITTEN_DAY.fullmatch(text.strip())
    try:
        if written:
            return date(int(written[3]), int(written[2]), int(written[1]))
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def fault(code: str, **facts: object) -> PydanticCustomError:
    """Return the error by which a validator names a fault; the sentence is `fault.<code>`."""
    return PydanticCustomError(code, "see the text of the code", facts)


def known(kind: str) -> AfterValidator:
    """Return a check that a name is among those of its kind in the folder; with no context all are taken."""

    def check(value: str, info: ValidationInfo) -> str:
        names: Mapping[str, Collection[str]] = info.context or {}
        if kind in names and value not in names[kind]:
            code, facts = unknown_name(value, names[kind])
            raise fault(code, **facts)
        return value

    return AfterValidator(check)


def one_of(words: type[StrEnum]) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return what makes a type that of a closed set of words."""
    values = [word.value for word in words]

    def check(value: object) -> object:
        if value is None or str(value) not in values:
            code, facts = unknown_name(str(value), values)
            raise fault(code, **facts)
        return str(value)

    return BeforeValidator(check), WithJsonSchema({"type": "string", "enum": values})


def _pattern(check: Callable[[Any], Any], pattern: str) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _code(value: object) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise fault("code_malformed", found=str(value))
    return value


def _slug(value: object) -> str:
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise fault("slug_malformed", found=str(value))
    return value


def _day_month(value: object) -> DayMonth:
    if isinstance(value, DayMonth):
        return value
    written = _DAY_MONTH.fullmatch(str(value))
    try:
        day, month = int(written[1]), int(written[2])  # type: ignore[index]  # a failed match is the fault itself
        date(LEAP_YEAR, month, day)
    except (TypeError, ValueError):
        raise fault("day_month_malformed", found=str(value)) from None
    if (day, month) == (29, 2):
        raise fault("day_month_not_every_year", found=str(value))
    return DayMonth(day, month)


def _year_day(value: object) -> YearDayWritten:
    if isinstance(value, YearDayWritten):
        return value
    written = _YEAR_DAY.fullmatch(str(value))
    if written is None:
        raise fault("year_day_malformed", found=str(value))
    return YearDayWritten(*_day_month(written[1]), int(written[2] or 0))


def _day(value: object) -> date:
    day = value if isinstance(value, date) else day_written(str(value))
    if day is None:
        raise fault("day_malformed", found=str(value))
    return day


def _span(value: object) -> tuple[time, time]:
    written = _SPAN.fullmatch(str(value))
    if written is None:
        raise fault("hours_malformed", found=str(value))
    start, end = time(int(written[1]), int(written[2])), time(int(written[3]), int(written[4]))
    if start >= end:
        raise fault("hours_reversed", found=str(value))
    return start, end


def _address(value: object) -> str:
    if not isinstance(value, str) or not is_address(value):
        raise fault("address_malformed", found=str(value))
    return value


def _placeholders(value: str) -> list[str]:
    try:
        return [name for _, name, spec, conversion in string.Formatter().parse(value) if name is not None]
    except ValueError:
        raise fault("pattern_braces", found=value) from None


def _cycle_code(value: str) -> str:
    """A cycle is told from its sisters by its year (and number in an annex), or by the cycle that it follows."""
    filled = value.replace("{year}", "2025").replace("{after}", "bc-2025").replace("{number}", "1")
    if sorted(_placeholders(value)) not in (["year"], ["after"], ["number", "year"]) or not _SLUG.fullmatch(filled):
        raise fault("cycle_code_without_year", found=value)
    return value


def _cycle_title(value: str) -> str:
    names = set(_placeholders(value))
    if names not in ({"year"}, {"after"}, {"year", "number"}) or not any(
        mark in value for mark in ("{year}", "{after}")
    ):
        raise fault("cycle_title_without_year", found=value)
    return value


_MAX_SHEET_NAME: Final = 31


def _sheet_name(value: str) -> str:
    if len(value) > _MAX_SHEET_NAME or set(value) & set("[]:*?/\\'"):
        raise fault("sheet_name_malformed", found=value)
    return value


Words = Annotated[str, Len(1, 4000)]
"""A text that may not be blank."""
Code = Annotated[str, *_pattern(_code, _CODE.pattern)]
Slug = Annotated[str, *_pattern(_slug, _SLUG.pattern)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
DayOfYear = Annotated[DayMonth, *_pattern(_day_month, _DAY_MONTH.pattern)]
DayOfCycle = Annotated[YearDayWritten, *_pattern(_year_day, _YEAR_DAY.pattern)]
HourSpan = Annotated[tuple[time, time], *_pattern(_span, _SPAN.pattern)]
Address = Annotated[str, BeforeValidator(_address), WithJsonSchema({"type": "string", "format": "email"})]
CycleCode = Annotated[Words, AfterValidator(_cycle_code)]
CycleTitle = Annotated[Words, AfterValidator(_cycle_title)]
SheetName = Annotated[Words, AfterValidator(_sheet_name)]
