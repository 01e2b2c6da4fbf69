"""Reads a programme's folder into the domain's values; it decides nothing, and writes nothing."""

from tasks.adapters.programme.folder import ProgrammeReading, check_programme, load_programme, read_programme
from tasks.adapters.programme.holidays_file import CalendarUnknownError, Override, build_calendar
from tasks.adapters.programme.roster_file import RosterReading, read_roster
from tasks.adapters.programme.roster_words import change_in_words
from tasks.adapters.programme.roster_writing import write_roster
from tasks.adapters.programme.schema import plan_schema
from tasks.adapters.programme.tier_checks import children_without_parent, parents_without_contact

__all__ = [
    "CalendarUnknownError",
    "Override",
    "ProgrammeReading",
    "RosterReading",
    "build_calendar",
    "change_in_words",
    "check_programme",
    "children_without_parent",
    "load_programme",
    "parents_without_contact",
    "plan_schema",
    "read_programme",
    "read_roster",
    "write_roster",
]
