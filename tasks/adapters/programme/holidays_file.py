"""Reads `holidays.csv` and lays it over the library's holidays of Viet Nam: what a person wrote down wins.

The library guesses the days that the Prime Minister fixes each year (Tết, the second day of 2/9, swapped days).
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from holidays import country_holidays

from models.domain.calendar import SATURDAY, WorkingCalendar
from models.domain.errors import DondocError, Fault
from models.domain.vietnamese import tidy
from tasks.adapters.programme.located_yaml import decode
from tasks.adapters.programme.written import day_written

COLUMNS: Final = ("date", "working", "reason", "document")
MAX_BYTES: Final = 256 * 1024
WORKING: Final = {"yes": True, "no": False}
FIRST_LUNAR_YEAR: Final = 1901
LAST_LUNAR_YEAR: Final = 2099


class CalendarUnknownError(DondocError):
    """The holidays of a year cannot be known, so no deadline may be counted in it."""

    code = "error.calendar_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One day about which a person knows better than the library, with the document that says so."""

    on: date
    is_working: bool
    reason: str
    document: str = ""


def read_overrides(content: bytes, file: str) -> tuple[tuple[Override, ...], list[Fault]]:
    """Return the overrides of a CSV file (comma or semicolon), and every fault with its line."""
    text, faults = decode(content, file, max_bytes=MAX_BYTES)
    if text is None:
        return (), faults
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    header = [tidy(cell).lower() for cell in next(reader, [])]
    if tuple(header) != COLUMNS:
        return (), [Fault.at(file, 1, "holidays_header", expected=",".join(COLUMNS), found=",".join(header))]
    overrides: dict[date, Override] = {}
    for row in reader:
        if any(cell.strip() for cell in row):
            _take(row, overrides, faults, file=file, line=reader.line_num)
    return tuple(overrides.values()), faults


def build_calendar(years: Iterable[int], overrides: Iterable[Override] = ()) -> WorkingCalendar:
    """Return the working days of the years: weekends and the library's holidays, with the overrides laid over.

    Both sides of a swap count: the weekday that is off, and the Saturday that is worked for it. Outside the years
    nothing but weekends and overrides is known.

    Raises:
        CalendarUnknownError: a year for which no lunar holidays can be computed.
    """
    wanted = sorted(set(years))
    for year in wanted:
        if not FIRST_LUNAR_YEAR <= year <= LAST_LUNAR_YEAR:
            raise CalendarUnknownError(year=year)
    library = country_holidays("VN", years=wanted, language="vi")
    days_off = {day for day in library if day.weekday() < SATURDAY}
    days_on = {day for day in library.weekend_workdays if day.year in wanted}
    for override in overrides:
        days_off.discard(override.on)
        days_on.discard(override.on)
        if override.is_working and override.on.weekday() >= SATURDAY:
            days_on.add(override.on)
        elif not override.is_working and override.on.weekday() < SATURDAY:
            days_off.add(override.on)
    return WorkingCalendar(frozenset(days_off), frozenset(days_on))


def unconfirmed_years(years: Iterable[int], overrides: Iterable[Override], file: str) -> list[Fault]:
    """Return a remark for each year of which no day is written down: its holidays are the library's guess."""
    confirmed = {override.on.year for override in overrides}
    return [Fault.at(file, 0, "holidays_unconfirmed", year=year) for year in years if year not in confirmed]


def _take(row: Sequence[str], overrides: dict[date, Override], faults: list[Fault], *, file: str, line: int) -> None:
    cells = [tidy(cell) for cell in row]
    if len(cells) != len(COLUMNS):
        faults.append(Fault.at(file, line, "holidays_columns", n_found=len(cells), n_expected=len(COLUMNS)))
        return
    written, working, reason, document = cells
    day = day_written(written)
    found = [
        (day is None, "day_malformed", written),
        (day in overrides, "holidays_twice", written),
        (working.lower() not in WORKING, "holidays_working", working),
        (not reason, "holidays_no_reason", written),
    ]
    wrong = [Fault.at(file, line, code, key=COLUMNS[0], found=text) for is_wrong, code, text in found if is_wrong]
    faults += wrong
    if day is not None and not wrong:
        overrides[day] = Override(on=day, is_working=WORKING[working.lower()], reason=reason, document=document)
