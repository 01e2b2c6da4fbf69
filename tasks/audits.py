"""Looks through the chained audit and says in words what it finds; nothing is decided or written here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.db.engine import open_engine
from models.db.records import audit_entries
from models.db.records.audit_entries import Break, Verification
from models.db.snapshots import at_one_instant
from models.domain.audit_chain import Entry
from models.domain.vocabulary import Action, DecisionKind
from tasks.adapters.texts import Texts
from tasks.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """One entry as it is listed."""

    number: int
    at: datetime
    kind: str
    """What was decided, in words."""
    operator: str | None
    """None: the program itself."""
    subject: str
    n_rows: int
    """How many rows it covers."""
    reason: str
    hash: str


def verify_audit(url: str, *, from_head: str = "", heard: Callable[[int, int], None] | None = None) -> Verification:
    """Look through the whole audit of a database as it stands now; `heard` is told how far it has come.

    Raises:
        DatabaseRefusedError: the address cannot be read.
    """
    engine = open_engine(url)
    try:
        with at_one_instant(engine) as connection:
            return audit_entries.verify(connection, from_head=from_head.strip().lower(), heard=heard)
    finally:
        engine.dispose()


def list_audit(
    runtime: Runtime, *, cycle_code: str = "", unit_code: str = "", since: datetime | None = None, limit: int
) -> list[EntryLine]:
    """Return the newest entries that fit, at most so many, the oldest of them first."""
    with runtime.sessions() as session:
        found = audit_entries.entries(
            session.connection(), cycle_code=cycle_code, unit_code=unit_code, since=since, limit=limit
        )
    return [_line(entry, runtime.texts) for entry in found]


def break_text(found: Break, texts: Texts, *, from_head: str = "") -> str:
    """Return the sentence that says what is broken, and what to do."""
    entry = found.entry
    code = found.code
    if entry is None and code == "tail_gone":
        code = "tail_gone_whole"
    elif entry is not None and code == "row_added":
        code = "row_back"
    facts = {
        "number": entry.number if entry else 0,
        "at": texts.instant(entry.at) if entry else "",
        "what": _what(entry, texts) if entry else "",
        "row": texts.say("audit.row", table=texts.say(f"audit.table.{found.table}"), key=found.key)
        if found.table
        else "",
        "head": from_head,
    }
    return _printable(f"{texts.say(f'audit.break.{code}', **facts)} {texts.say('audit.advice')}")


def summary_lines(found: Verification, texts: Texts) -> list[str]:
    """Return what came of looking through all of it, but for what is broken."""
    if not found.head:
        return [texts.say("audit.empty")]
    lines = []
    if found.n_breaks:
        lines.append(texts.say("audit.broken", n=texts.number(found.n_breaks)))
    else:
        lines.append(texts.say("audit.sound", n=texts.number(found.n_entries), rows=texts.number(found.n_rows)))
    if found.begun_at is not None:
        lines.append(texts.say("audit.begun", at=texts.instant(found.begun_at)))
    if found.n_known:
        lines.append(texts.say("audit.known", n=texts.number(found.n_known)))
    return [*lines, texts.say("audit.head", number=found.head_number, head=found.head)]


def _line(entry: Entry, texts: Texts) -> EntryLine:
    counts = entry.decided.get("n")
    return EntryLine(
        number=entry.number,
        at=entry.at,
        kind=_kind(entry, texts),
        operator=entry.operator,
        subject=_subject(entry, texts),
        n_rows=sum(counts.values()) if isinstance(counts, dict) else 0,
        reason=entry.reason,
        hash=entry.own,
    )


def _what(entry: Entry, texts: Texts) -> str:
    return ": ".join(filter(None, (_kind(entry, texts), _subject(entry, texts))))


def _kind(entry: Entry, texts: Texts) -> str:
    """Return what was decided; of what a person did, the act itself."""
    acts = [_label(Action, act, texts) for act in _named(entry.decided, "acts")]
    return "; ".join(acts) or _label(DecisionKind, entry.kind, texts)


def _subject(entry: Entry, texts: Texts) -> str:
    concerns = entry.concerns
    cycles = _named(concerns, "cycles")
    parts = [*cycles, *(each for each in _named(concerns, "acts_on") if each not in cycles and not each.isdigit())]
    parts += _named(concerns, "units")
    if "edition" in concerns:
        parts.append(texts.say("audit.edition", number=concerns["edition"]))
    arrivals = _named(concerns, "arrivals")
    if arrivals:
        parts.append(texts.say("audit.arrivals", numbers=", ".join(arrivals)))
    return ", ".join(parts)


def _named(facts: object, name: str) -> list[str]:
    named = facts.get(name) if isinstance(facts, dict) else None
    return [str(each) for each in named] if isinstance(named, list) else []


def _printable(text: str) -> str:
    """Return a text without what is none in it: somebody may have written any octets past the program."""
    return text.encode("utf-8", "replace").decode()


def _label(words: type[StrEnum], value: str, texts: Texts) -> str:
    """Return the label of a word; of one that is none of ours, the word itself."""
    return texts.label(words(value)) if value in set(words) else str(value)
