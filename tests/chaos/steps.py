"""A small office for the faults: few units, real mail servers, and the steps of the flows in their order."""

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from deployments.postoffice import PostOffice
from models.db.records import rosters
from models.domain.vocabulary import LetterKind
from tasks.call_roll import queue_roll_calls
from tasks.catch_up import catch_up_with_mailbox
from tasks.chase import queue_due_reminders, queue_reminders_of_others
from tasks.compile import compile_due_editions
from tasks.draft import draft_official_letters
from tasks.hand_over import queue_results
from tasks.open_cycles import active_cycles, open_due_cycles, stamp_missing_forms
from tasks.post import post_letters
from tasks.receive import file_arrivals_away
from tasks.runtime import Runtime
from tasks.status_board import make_status_board
from tasks.take_and_judge import take_and_judge
from tasks.tell_members import queue_member_letters
from tasks.tell_parents import queue_parent_letters
from tests.builders import hanoi, with_units
from tests.tasks.conftest import ANSWERS, Office

CYCLE = "bc-6t-2025"
REPORT = "O-20"
UNITS = ("so-y-te", "so-tu-phap", "so-noi-vu", "so-tai-chinh", "so-cong-thuong", "so-xay-dung")
ACTS = dict(
    zip(
        UNITS,
        ("answer", "answer_wrongly", "say_nil", "answer_from_elsewhere", "say_out_of_office", "answer_without_copy"),
        strict=True,
    )
)
OPENING, ANSWERING, URGING, CLOSING = "2025-05-16 08:00", "2025-06-03 09:05", "2025-06-19 08:00", "2025-07-07 08:00"


def with_few_units(office: Office, units: Sequence[str] = UNITS) -> None:
    """Give the office a roster of few units, before it opens anything."""
    with office.at("2025-05-15 08:00") as runtime, runtime.sessions.begin() as session:
        (programme,) = runtime.programmes.values()
        few = with_units(programme, set(units)).roster
        rosters.replace_roster(session, programme.code, few)
        rosters.note_import(session, programme.code, digest="few", operator="", at=runtime.clock.now())


def whole_round(office: Office, instant: str, *, later: timedelta = timedelta(0), obligation: str = REPORT) -> None:
    """Do all that a round of the instant does; `later` is by how much the clock has gone on since."""
    now = hanoi(instant)
    with office.at(now + later) as runtime:
        open_due_cycles.fn(runtime, obligation, now)
        codes = active_cycles(runtime, obligation, now)
        stamp_missing_forms.fn(runtime, codes, now)
        if not catch_up_with_mailbox.fn(runtime):
            return
        for code in codes:
            queue_due_reminders.fn(runtime, code, now)
        queue_reminders_of_others.fn(runtime, codes, now)
        post_letters.fn(runtime, [LetterKind.CHASE])
        queue_member_letters.fn(runtime, now)
        post_letters.fn(runtime, [LetterKind.MEMBER])
        queue_roll_calls.fn(runtime, now)
        post_letters.fn(runtime, [LetterKind.ROLL_CALL])
        draft_official_letters.fn(runtime, codes, now)
        compile_due_editions.fn(runtime, codes, now)
        queue_parent_letters.fn(runtime, now)
        post_letters.fn(runtime, [LetterKind.PARENT])
        queue_results.fn(runtime, codes, now)
        post_letters.fn(runtime, [LetterKind.RESULT])
        make_status_board.fn(runtime, now, codes)


def whole_poll(office: Office, instant: str, *, later: timedelta = timedelta(0)) -> None:
    """Do all that a poll does at the instant."""
    with office.at(hanoi(instant) + later) as runtime:
        poll_with(runtime)


def poll_with(runtime: Runtime) -> None:
    """Take in, judge, answer, file away."""
    take_and_judge.fn(runtime, runtime.clock.now())
    post_letters.fn(runtime, ANSWERS)
    file_arrivals_away.fn(runtime)


def send_answers(office: Office) -> None:
    """Let every unit do what it does, and a person lay a file into the drop folder."""
    for unit, act in ACTS.items():
        office.send(unit, act, "2025-06-03 09:00")
    folder = office.home / "drop" / "van-thu"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "so-lieu.xlsx").write_bytes(b"no workbook at all")


@contextmanager
def office_in(folder: Path, **settings: object):
    """Yield the office whose home and mail lie in the folder."""
    with PostOffice(folder / "office") as mail:
        yield Office(home=folder / "home", mail=mail, settings=dict(settings))
