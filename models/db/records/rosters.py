"""Keeps the roster of a programme, its imports, and the addresses that mail cannot reach."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, and_, delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from models.db.among import is_among
from models.db.tables import BouncedAddressRow, ContactRow, MemberRow, RosterImportRow, UnitRelationRow, UnitRow
from models.domain.roster import Contact, Member, Roster, Unit
from models.domain.succession import EndedUnit, Relation, Succession

_Each = TypeVar("_Each")
ENDED_UNITS: Final = "ended_units"
"""Under this a session keeps the ended units that it has worked out."""


def load_roster(session: Session, programme_code: str) -> Roster:
    """Return the whole roster of a programme, every span of validity included, in the order of its workbook."""
    # Columns, as below: a country has a hundred thousand of them, and the session would keep track of each.
    units, contacts, members = (
        session.execute(select(row.__table__).where(row.programme_code == programme_code).order_by(row.id))
        for row in (UnitRow, ContactRow, MemberRow)
    )
    return Roster(
        tuple(map(_unit, units)),
        tuple(map(_contact, contacts)),
        tuple(map(_member, members)),
        relations_of(session, programme_code),
    )


def relations_of(session: Session, programme_code: str) -> tuple[Relation, ...]:
    """Return what became of the programme's units, in the order of the workbook."""
    row = UnitRelationRow
    # Columns, not rows that the session keeps track of: there are hundreds, and they are asked for with every letter.
    found = session.execute(
        select(row.kind, row.unit_code, row.other_code, row.on, row.document, row.source)
        .where(row.programme_code == programme_code)
        .order_by(row.id)
    )
    return tuple(
        Relation(kind=kind, unit_code=unit, other_code=other, on=on, document=document, source=source)
        for kind, unit, other, on, document, source in found
    )


def replace_roster(session: Session, programme_code: str, roster: Roster) -> None:
    """Put the roster in the place of the one that is there; cycles that are open have frozen what they need."""
    session.info.pop(ENDED_UNITS, None)
    for table in (UnitRow, ContactRow, MemberRow, UnitRelationRow):
        session.execute(delete(table).where(table.programme_code == programme_code))
    _insert_all(session, UnitRow, [_unit_values(programme_code, unit) for unit in roster.units])
    _insert_all(session, ContactRow, [_contact_values(programme_code, contact) for contact in roster.contacts])
    _insert_all(session, MemberRow, [_member_values(programme_code, member) for member in roster.members])
    _insert_all(session, UnitRelationRow, [_relation_values(programme_code, each) for each in roster.relations])


def note_import(session: Session, programme_code: str, *, digest: str, operator: str, at: datetime) -> None:
    """Record that a roster was loaded from a file."""
    session.add(RosterImportRow(programme_code=programme_code, imported_at=at, digest=digest, operator=operator))


def last_import_digest(session: Session, programme_code: str) -> str | None:
    """Return the SHA-256 of the file that the roster was last loaded from; None when it never was."""
    return session.scalars(
        select(RosterImportRow.digest)
        .where(RosterImportRow.programme_code == programme_code)
        .order_by(RosterImportRow.id.desc())
        .limit(1)
    ).first()


def working_contacts(
    session: Session, programme_code: str, on: date, *, unit_codes: Sequence[str] | None = None
) -> dict[str, list[Contact]]:
    """Return by unit the contacts in force whose address has not bounced, the first to be written to first.

    Without `unit_codes` they are those of every unit. Those of a unit that has ended are its heir's, and after them
    what is left of its own. Who is away is left out.
    """
    heirs = {code: ended.heir_code for code, ended in ended_units(session, programme_code, on).items()}
    if unit_codes is None:
        return _with_heirs(_contacts_in_force(session, programme_code, on, None), heirs)
    wanted = {*unit_codes, *(heir for code in unit_codes if (heir := heirs.get(code)) is not None)}
    found = _with_heirs(_contacts_in_force(session, programme_code, on, wanted), heirs)
    return {code: found[code] for code in unit_codes if code in found}


def working_addresses(
    session: Session, programme_code: str, on: date, unit_codes: Sequence[str]
) -> dict[str, list[str]]:
    """Return by unit the addresses of its `working_contacts`, the first to be written to first."""
    if not unit_codes:
        return {}
    heirs = {code: ended.heir_code for code, ended in ended_units(session, programme_code, on).items()}
    wanted = {*unit_codes, *(heir for code in unit_codes if (heir := heirs.get(code)) is not None)}
    query = _in_force(programme_code, on, wanted).with_only_columns(ContactRow.unit_code, ContactRow.email)
    by_unit: dict[str, list[str]] = {}
    for unit_code, email in session.execute(query):
        by_unit.setdefault(unit_code, []).append(email)
    found = _with_heirs(by_unit, heirs)
    return {code: found[code] for code in unit_codes if code in found}


def ended_units(session: Session, programme_code: str, on: date) -> dict[str, EndedUnit]:
    """Return by code the units whose last day lies before that day, with who answers for what they still owe.

    Worked out once in a session, for each chunk of duties asks again.
    """
    known: dict[tuple[str, date], dict[str, EndedUnit]] = session.info.setdefault(ENDED_UNITS, {})
    if (programme_code, on) not in known:
        known[programme_code, on] = _ended_units(session, programme_code, on)
    return known[programme_code, on]


def _ended_units(session: Session, programme_code: str, on: date) -> dict[str, EndedUnit]:
    later = aliased(UnitRow)
    goes_on = exists().where(
        later.programme_code == UnitRow.programme_code,
        later.code == UnitRow.code,
        or_(later.valid_to.is_(None), later.valid_to >= on),
    )
    ends = session.execute(
        select(UnitRow.code, func.max(UnitRow.valid_to))
        .where(UnitRow.programme_code == programme_code, UnitRow.valid_to < on, ~goes_on)
        .group_by(UnitRow.code)
    )
    last_days: dict[str, date | None] = {row.code: row[1] for row in ends}
    if not last_days:
        return {}
    succession = Succession.of(relations_of(session, programme_code), last_days)
    heirs = succession.heirs(on)
    names = _names_on(session, programme_code, set(heirs.values()), on)
    return {
        code: EndedUnit(
            code=code,
            last_day=day,
            heir_code=heirs.get(code),
            heir_name=names.get(heirs.get(code, ""), ""),
            document=succession.document(code, on),
        )
        for code, day in last_days.items()
        if day is not None
    }


def parents_on(session: Session, programme_code: str, on: date) -> dict[str, str | None]:
    """Return by code the parent of each unit in force on that day."""
    rows = session.execute(
        select(UnitRow.code, UnitRow.parent_code).where(
            UnitRow.programme_code == programme_code,
            UnitRow.valid_from <= on,
            or_(UnitRow.valid_to.is_(None), UnitRow.valid_to >= on),
        )
    )
    return {row.code: row.parent_code for row in rows}


def units_in_force(session: Session, programme_code: str, on: date, *, limit: int | None) -> list[Unit]:
    """Return the units in force on that day, at most so many where there is a limit, in the order of the workbook."""
    query = select(UnitRow.__table__).where(
        UnitRow.programme_code == programme_code,
        UnitRow.valid_from <= on,
        or_(UnitRow.valid_to.is_(None), UnitRow.valid_to >= on),
    )
    return list(map(_unit, session.execute(query.order_by(UnitRow.id).limit(limit))))


def _names_on(session: Session, programme_code: str, codes: set[str], on: date) -> dict[str, str]:
    rows = session.execute(
        select(UnitRow.code, UnitRow.name).where(
            UnitRow.programme_code == programme_code,
            UnitRow.code.in_(codes),
            UnitRow.valid_from <= on,
            or_(UnitRow.valid_to.is_(None), UnitRow.valid_to >= on),
        )
    )
    return {row.code: row.name for row in rows}


def _with_heirs(by_unit: dict[str, list[_Each]], heirs: Mapping[str, str | None]) -> dict[str, list[_Each]]:
    taken_over = {
        code: [*by_unit.get(heir, ()), *by_unit.get(code, ())]
        for code, heir in heirs.items()
        if heir is not None and heir in by_unit
    }
    return by_unit | taken_over


def _contacts_in_force(
    session: Session, programme_code: str, on: date, unit_codes: Iterable[str] | None
) -> dict[str, list[Contact]]:
    by_unit: dict[str, list[Contact]] = {}
    for row in session.execute(_in_force(programme_code, on, unit_codes)):
        by_unit.setdefault(row.unit_code, []).append(_contact(row))
    return by_unit


def _in_force(programme_code: str, on: date, unit_codes: Iterable[str] | None) -> Select[Any]:
    is_away = and_(ContactRow.away_from <= on, or_(ContactRow.away_to.is_(None), ContactRow.away_to >= on))
    query = (
        select(*ContactRow.__table__.columns)
        .where(ContactRow.programme_code == programme_code, ContactRow.valid_from <= on)
        .where((ContactRow.valid_to.is_(None)) | (ContactRow.valid_to >= on))
        .where(or_(ContactRow.away_from.is_(None), ~is_away))
        .where(ContactRow.email.not_in(select(BouncedAddressRow.address)))
        .order_by(ContactRow.unit_code, ContactRow.rank, ContactRow.email)
    )
    return query if unit_codes is None else query.where(is_among(ContactRow.unit_code, unit_codes))


def unit_names(session: Session, programme_code: str, codes: Iterable[str]) -> dict[str, str]:
    """Return by code the newest name of each unit, those that are still to be founded included."""
    rows = session.execute(
        select(UnitRow.code, UnitRow.name)
        .where(UnitRow.programme_code == programme_code, is_among(UnitRow.code, codes))
        .order_by(UnitRow.code, UnitRow.valid_from)
    )
    return {code: name for code, name in rows}  # noqa: C416 - a Row is no pair to dict()


def phones_of(session: Session, programme_code: str, on: date, codes: Iterable[str]) -> dict[str, str]:
    """Return by unit a telephone to call where no mail arrives: of a contact who serves, away or bounced or not."""
    rows = session.execute(
        select(ContactRow.unit_code, ContactRow.phone)
        .where(ContactRow.programme_code == programme_code, is_among(ContactRow.unit_code, codes))
        .where(ContactRow.valid_from <= on, or_(ContactRow.valid_to.is_(None), ContactRow.valid_to >= on))
        .where(ContactRow.phone != "")
        .order_by(ContactRow.unit_code, ContactRow.rank.desc(), ContactRow.email.desc())
    )
    return {code: phone for code, phone in rows}  # noqa: C416 - a Row is no pair to dict()


def units_of_addresses(
    session: Session, programme_codes: Iterable[str], addresses: Iterable[str], *, on: date
) -> dict[str, frozenset[str]]:
    """Return by address the units that have it among their contacts, at any time: old mail may still come in.

    With a unit come those that have ended by that day and that it answers for.
    """
    codes = list(programme_codes)
    rows = session.execute(
        select(ContactRow.email, ContactRow.unit_code)
        .where(ContactRow.programme_code.in_(codes), is_among(ContactRow.email, addresses))
        .order_by(ContactRow.email, ContactRow.unit_code)
    )
    inherited: dict[str, frozenset[str]] = {}
    for ended in (each for code in codes for each in ended_units(session, code, on).values()):
        if ended.heir_code is not None:
            inherited[ended.heir_code] = inherited.get(ended.heir_code, frozenset()) | {ended.code}
    found: dict[str, frozenset[str]] = {}
    for email, unit_code in rows:
        found[email] = found.get(email, frozenset()) | {unit_code} | inherited.get(unit_code, frozenset())
    return found


def add_contact(session: Session, programme_code: str, contact: Contact) -> bool:
    """Add a contact behind those that its unit has, and say whether it is new; its `rank` is given here."""
    known = session.scalars(
        select(ContactRow).where(ContactRow.programme_code == programme_code, ContactRow.unit_code == contact.unit_code)
    ).all()
    if any(row.email == contact.email.lower() for row in known):
        return False
    rank = max((row.rank for row in known), default=0) + 1
    session.add(ContactRow(**(_contact_values(programme_code, contact) | {"rank": rank})))
    return True


def note_bounces(session: Session, addresses: Mapping[str, str], *, at: datetime) -> None:
    """Record addresses that mail cannot reach, with what the mail server said; one known already stays as it is."""
    known = set(
        session.scalars(select(BouncedAddressRow.address).where(BouncedAddressRow.address.in_(list(addresses))))
    )
    new = [{"address": a, "since": at, "detail": detail} for a, detail in addresses.items() if a not in known]
    _insert_all(session, BouncedAddressRow, new)


def bounced_addresses(session: Session) -> dict[str, datetime]:
    """Return every address that mail cannot reach, with since when."""
    rows = session.scalars(select(BouncedAddressRow).order_by(BouncedAddressRow.address))
    return {row.address: row.since for row in rows}


def members_in_force(session: Session, programme_code: str, on: date) -> dict[str, Member]:
    """Return by code the committee members who serve on that day."""
    rows = session.scalars(
        select(MemberRow).where(MemberRow.programme_code == programme_code).order_by(MemberRow.code, MemberRow.id)
    )
    return {row.code: member for row in rows if (member := _member(row)).is_in_force(on)}


def members_who_can_be_told(session: Session, programme_code: str, on: date) -> dict[str, str]:
    """Return by code the address at which mail reaches each committee member who serves on that day.

    It is that of the deputy while the member is away; a member without one, or whose deputy is away too, is left out.
    """
    bounced = set(session.scalars(select(BouncedAddressRow.address)))
    members = members_in_force(session, programme_code, on)
    told = {code: _present(member, members, on) for code, member in members.items()}
    return {
        code: member.email for code, member in told.items() if member and member.email and member.email not in bounced
    }


def _present(member: Member, members: Mapping[str, Member], on: date) -> Member | None:
    if not member.is_away(on):
        return member
    deputy = members.get(member.deputy_code or "")
    return deputy if deputy is not None and not deputy.is_away(on) else None


def _insert_all(session: Session, table: type, values: list[dict[str, object]]) -> None:
    if values:
        session.execute(insert(table), values)


def _unit(row: UnitRow | Row[Any]) -> Unit:
    return Unit(
        code=row.code,
        name=row.name,
        group=row.group_code,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        parent_code=row.parent_code,
        member_in_charge=row.member_in_charge,
        kind=row.kind,
        official_code=row.official_code,
        address=row.address,
        head=row.head,
        aliases=tuple(row.aliases),
        source=row.source,
    )


def _contact(row: ContactRow | Row[Any]) -> Contact:
    return Contact(
        unit_code=row.unit_code,
        name=row.name,
        email=row.email,
        phone=row.phone,
        rank=row.rank,
        role=row.role,
        away_from=row.away_from,
        away_to=row.away_to,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _member(row: MemberRow | Row[Any]) -> Member:
    return Member(
        code=row.code,
        name=row.name,
        email=row.email,
        field=row.field,
        deputy_code=row.deputy_code,
        away_from=row.away_from,
        away_to=row.away_to,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _unit_values(programme_code: str, unit: Unit) -> dict[str, object]:
    return {
        "programme_code": programme_code,
        "code": unit.code,
        "name": unit.name,
        "group_code": unit.group,
        "valid_from": unit.valid_from,
        "valid_to": unit.valid_to,
        "parent_code": unit.parent_code,
        "member_in_charge": unit.member_in_charge,
        "kind": unit.kind,
        "official_code": unit.official_code,
        "address": unit.address,
        "head": unit.head,
        "aliases": list(unit.aliases),
        "source": unit.source,
    }


def _contact_values(programme_code: str, contact: Contact) -> dict[str, object]:
    return {
        "programme_code": programme_code,
        "unit_code": contact.unit_code,
        "name": contact.name,
        "email": contact.email.lower(),
        "phone": contact.phone,
        "rank": contact.rank,
        "role": contact.role,
        "away_from": contact.away_from,
        "away_to": contact.away_to,
        "valid_from": contact.valid_from,
        "valid_to": contact.valid_to,
    }


def _member_values(programme_code: str, member: Member) -> dict[str, object]:
    return {
        "programme_code": programme_code,
        "code": member.code,
        "name": member.name,
        "email": member.email.lower(),
        "field": member.field,
        "deputy_code": member.deputy_code,
        "away_from": member.away_from,
        "away_to": member.away_to,
        "valid_from": member.valid_from,
        "valid_to": member.valid_to,
    }


def _relation_values(programme_code: str, relation: Relation) -> dict[str, object]:
    return {
        "programme_code": programme_code,
        "kind": relation.kind,
        "unit_code": relation.unit_code,
        "other_code": relation.other_code,
        "on": relation.on,
        "document": relation.document,
        "source": relation.source,
    }
