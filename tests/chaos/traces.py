"""What an office has left in its books, its mailboxes and its folders, so that two offices can be held side by side."""

import hashlib
import io
import re
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path
from zipfile import ZipFile

from sqlalchemy import select

from models.db.records.audit_entries import verify
from models.db.tables import (
    ArrivalRow,
    CycleRow,
    DraftRow,
    DutyMarkRow,
    DutyRow,
    EditionRow,
    FigureRow,
    LetterRow,
    MemberNoticeRow,
    OutageRow,
    ReminderRow,
    SkipRow,
    SubmissionRow,
)
from tasks.waiting_work import waiting_work
from tests.chained import told
from tests.tasks.conftest import Office

PLUS = re.compile(r"[+][^@]*@")
"""What is different in every office: the secret of a duty, in the address that answers go to."""
MADE_AT = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*<")


def traces_of(office: Office, instant) -> dict[str, object]:
    """Return what is to be the same whatever happened, as plain values, without times and numbers of rows."""
    with office.at(instant) as runtime, runtime.sessions() as session:
        unit = {duty.id: duty.unit_code for duty in session.scalars(select(DutyRow))}
        letters = session.scalars(select(LetterRow).order_by(LetterRow.key)).all()
        key_of = {letter.id: letter.key for letter in letters}
        arrivals = session.scalars(select(ArrivalRow).order_by(ArrivalRow.key)).all()
        brought = {arrival.id: _name_of(runtime, arrival) for arrival in arrivals}
        said = {letter.message_id: _readable(letter, brought) for letter in letters}
        brought = {arrival.id: said.get(arrival.message_id, brought[arrival.id]) for arrival in arrivals}
        return {
            "cycles": sorted(session.scalars(select(CycleRow.code))),
            "duties": sorted(
                (unit[d.id], bool(d.form_digest), d.accepted_at is not None) for d in _all(session, DutyRow)
            ),
            "marks": sorted((unit[m.duty_id], str(m.kind)) for m in _all(session, DutyMarkRow)),
            "reminders": sorted(
                (unit[r.duty_id], r.rung, r.recipient, r.occasion, str(r.cancelled_because), key_of.get(r.letter_id))
                for r in _all(session, ReminderRow)
            ),
            "notices": sorted((unit[n.duty_id], n.rung, key_of[n.letter_id]) for n in _all(session, MemberNoticeRow)),
            "skips": sorted((unit[s.duty_id], s.rung, str(s.reason)) for s in _all(session, SkipRow)),
            "letters": sorted((said[letter.message_id], letter.recipient, str(letter.state)) for letter in letters),
            "arrivals": sorted(
                (
                    brought[a.id],
                    str(a.outcome),
                    unit.get(a.duty_id),
                    sorted(r["code"] for r in a.reasons),
                    a.filed_at is not None,
                )
                for a in arrivals
            ),
            "submissions": sorted(
                (unit[s.duty_id], s.number, brought[s.arrival_id], s.has_sound_form, sorted(s.attachments))
                for s in _all(session, SubmissionRow)
            ),
            "n_figures": len(_all(session, FigureRow)),
            "editions": [
                (e.number, str(e.kind), e.as_of, e.inputs_digest, e.n_reported) for e in _all(session, EditionRow)
            ],
            "drafts": sorted((d.rung, d.n_units, d.path) for d in _all(session, DraftRow)),
            "results": {name: _content(path) for name, path in _files(office.home / "results")},
            "pages": sorted(name for name, _ in _files(office.home / "board")),
            "received": _received(office.mail.home / "mail", said),
            "filed": _received(office.mail.home / "mailbox", said),
            "told": sorted(each.recipient for each in waiting_work(runtime, session, runtime.clock.now(), []).doubtful),
            "failed": sorted(each.recipient for each in waiting_work(runtime, session, runtime.clock.now(), []).failed),
            "outages": [outage.name for outage in _all(session, OutageRow)],
            "audit": told(verify(session.connection())),
            "broken": [a.key for a in arrivals if a.digest and not _is_whole(runtime, a.digest)],
        }


def _all(session, table):
    return session.scalars(select(table).order_by(table.id) if hasattr(table, "id") else select(table)).all()


def _name_of(runtime, arrival) -> str:
    """Return what an arrival is called in every office: UIDs differ, Message-IDs do not."""
    return arrival.message_id or arrival.file_name or arrival.key


def _readable(letter: LetterRow, brought: dict[int, str]) -> str:
    """Return why a letter exists, without the UID of the mail that it answers."""
    return letter.key if letter.arrival_id is None else f"{letter.kind}|{brought[letter.arrival_id]}"


def _is_whole(runtime, digest: str) -> bool:
    return hashlib.sha256(runtime.archive.read(digest)).hexdigest() == digest


def _files(folder: Path):
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return [(str(path.relative_to(folder)), path) for path in found if not path.name.endswith(".part")]


def _content(path: Path) -> object:
    """Return a file's bytes; of a workbook or document those of its parts, without when it was made."""
    content = path.read_bytes()
    if not content.startswith(b"PK"):
        return content
    with ZipFile(io.BytesIO(content)) as archive:
        return {name: MADE_AT.sub(b"", archive.read(name)) for name in archive.namelist()}


def _received(folder: Path, said: dict[str, str]) -> Counter:
    """Return how often each mailbox, or folder of ours, has each mail."""
    found: Counter = Counter()
    for path in sorted(folder.rglob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.compat32)
        identity = str(mail["Message-ID"]).strip()
        found[PLUS.sub("@", path.parent.name), said.get(identity, identity)] += 1
    return found
