"""Divides an arrival that brings the forms of several duties into parts, each opened as if it had come by itself.

One arrival stays one: its bytes, the place it is filed to and its one answer. The first part is the arrival itself,
the others are rows beside it, written in the transaction that gives all of them their outcomes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from models.domain.forms import Finding, note
from models.domain.parts import FormPiece, Piece, divide
from tasks.adapters.archive import sha256_of
from tasks.opened import Known, Opened
from tasks.ports import MailFile, ReadForm


def in_parts(opened: Opened, known: Known) -> list[Opened]:
    """Return an arrival in parts, one for each duty whose form it brings; alone in the list when there is but one.

    Forms of one duty that say the same are one form, and the blank one that the unit was sent counts beside none.
    """
    groups = _by_duty(opened, known)
    if not groups:
        return [opened]
    if len(groups) == 1:
        return [_with_forms(opened, groups[0])]
    return _divided(opened, groups, known)


def the_part(opened: Opened, known: Known) -> Opened:
    """Return the part of an arrival that a person ruled on, with all documents that may be its own."""
    parts = in_parts(opened, known)
    if len(parts) == 1:
        return parts[0]
    number = opened.arrival.part
    wanted = [part for part in parts if part.arrival.part == number] if number else _of_ruled_duty(parts, known)
    if len(wanted) != 1:
        return opened
    (part,) = wanted
    documents = (*part.enclosures.documents, *part.untold)
    enclosures = replace(part.enclosures, documents=documents)
    return replace(part, arrival=opened.arrival, enclosures=enclosures, whole=None, untold=(), told=())


def _of_ruled_duty(parts: Sequence[Opened], known: Known) -> list[Opened]:
    ruling = parts[0].ruling
    return [part for part in parts if ruling is not None and known.by_token.get(_token(part)) == ruling.duty_id]


def _token(part: Opened) -> str:
    return next((stamp.token for stamp in part.stamps), "")


_Brought = tuple[int, ReadForm, MailFile]
"""A form with its place among the workbooks, from 1, and its file."""


def _by_duty(opened: Opened, known: Known) -> list[list[_Brought]]:
    """Return the stamped forms by the token of their stamp, in the order they lie in."""
    groups: dict[str, list[_Brought]] = {}
    for number, (read, file) in enumerate(zip(opened.forms, opened.enclosures.workbooks, strict=False), start=1):
        if read.stamp is not None:
            groups.setdefault(read.stamp.token, []).append((number, read, file))
    return [_without_copies(group, _blank_of(token, known)) for token, group in groups.items()]


def _blank_of(token: str, known: Known) -> str | None:
    record = known.duties.get(known.by_token.get(token, 0))
    return record.form_digest if record is not None else None


def _without_copies(group: list[_Brought], blank: str | None) -> list[_Brought]:
    filled = group
    if len(group) > 1 and blank is not None:
        filled = [each for each in group if sha256_of(each[2].content) != blank] or group[:1]
    distinct: list[_Brought] = []
    for each in filled:
        if all(each[1].form != other[1].form for other in distinct):
            distinct.append(each)
    return distinct


def _with_forms(opened: Opened, group: Sequence[_Brought]) -> Opened:
    """Return the arrival with these as its only forms of ours; the files that are none stay."""
    kept = {number for number, _, _ in group}
    pairs = [
        (read, file)
        for number, (read, file) in enumerate(zip(opened.forms, opened.enclosures.workbooks, strict=False), start=1)
        if number in kept or read.stamp is None
    ]
    pairs.sort(key=lambda pair: pair[0].stamp is None)
    enclosures = replace(opened.enclosures, workbooks=tuple(file for _, file in pairs))
    return replace(opened, forms=tuple(read for read, _ in pairs), enclosures=enclosures)


def _divided(opened: Opened, groups: Sequence[Sequence[_Brought]], known: Known) -> list[Opened]:
    documents = opened.enclosures.documents
    pieces = [_form_piece(group[0], known) for group in groups]
    division = divide([Piece(name=file.name, place=file.place) for file in documents], pieces)
    told = _about_the_rest(opened)
    return [
        replace(
            opened,
            arrival=replace(opened.arrival, part=group[0][0]),
            whole=opened.arrival,
            forms=tuple(read for _, read, _ in group),
            enclosures=replace(
                opened.enclosures,
                workbooks=tuple(file for _, _, file in group),
                documents=tuple(documents[n] for n in own),
                findings=(),
                unusable=(),
            ),
            untold=tuple(documents[n] for n in division.untold),
            told=told,
        )
        for group, own in zip(groups, division.by_form, strict=True)
    ]


def _form_piece(brought: _Brought, known: Known) -> FormPiece:
    _, read, file = brought
    token = read.stamp.token if read.stamp is not None else ""
    record = known.duties.get(known.by_token.get(token, 0))
    piece = Piece(name=file.name, place=file.place)
    if record is None:
        return FormPiece(piece=piece)
    cycle = known.cycles[record.duty.cycle_code]
    names = (record.duty.unit_code, record.duty.unit_name, cycle.code, cycle.title)
    return FormPiece(piece=piece, names=names)


def _about_the_rest(opened: Opened) -> tuple[Finding, ...]:
    """Return what each answer says of the files that go with no single form."""
    rest = [
        file.name for read, file in zip(opened.forms, opened.enclosures.workbooks, strict=False) if read.stamp is None
    ]
    told = [note("not_among_the_forms", names=", ".join(name or "–" for name in rest))] if rest else []
    return (*told, *_as_notes(opened.enclosures.findings))


def _as_notes(findings: Iterable[Finding]) -> list[Finding]:
    return [note(found.code, **dict(found.facts)) for found in findings]
