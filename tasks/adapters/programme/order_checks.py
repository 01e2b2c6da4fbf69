"""Faults between the lines of a plan or form: codes that clash, rules and rungs out of order.

It looks at the plain values, whatever else is wrong with them, so that these faults show in the first round too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from models.domain.errors import Fault
from models.domain.vietnamese import comparison_key
from models.domain.vocabulary import Anchor, RungAction
from tasks.adapters.programme.located_yaml import LocatedDocument, Path

Row = tuple[Path, Mapping[str, object]]


def order_faults_of_plan(document: LocatedDocument) -> list[Fault]:
    """Return the faults between the lines of `plan.yaml`."""
    obligations = rows(document.data, "obligations")
    faults = [fault for key in ("code", "slug", "cycle_code") for fault in _twice(document, obligations, key)]
    for path, obligation in obligations:
        first, last = obligation.get("first_year"), obligation.get("last_year")
        if isinstance(first, int) and isinstance(last, int) and first > last:
            faults.append(document.fault((*path, "last_year"), "years_reversed", first=first, last=last))
        faults += _rule_faults(document, path, obligation)
    for code in mapping_of(document.data, "ladders"):
        faults += _ladder_faults(document, code)
    return faults


def order_faults_of_form(document: LocatedDocument, file_code: str) -> list[Fault]:
    """Return the faults between the lines of a form; its code is that of the file."""
    faults = []
    code = document.data.get("code") if isinstance(document.data, Mapping) else None
    if isinstance(code, str) and code != file_code:
        faults.append(document.fault(("code",), "form_code_not_file", found=code, expected=file_code))
    fields, narratives = rows(document.data, "fields"), rows(document.data, "narratives")
    for group in (fields, narratives):
        faults += [*_twice(document, group, "code"), *_twice(document, group, "title")]
    return faults


def names_in(document: LocatedDocument | None, key: str) -> list[str] | None:
    """Return the codes that stand under a key, whatever else is wrong; None when the key cannot be read at all."""
    value = document.data.get(key) if document and isinstance(document.data, Mapping) else None
    if isinstance(value, Mapping):
        return [str(name) for name in value]
    if isinstance(value, list):
        return [str(row.get("code")) for row in value if isinstance(row, Mapping)]
    return None


def rows(data: object, key: str) -> list[Row]:
    """Return the path and the values of each row of a list, leaving out what is no row."""
    value = data.get(key) if isinstance(data, Mapping) else None
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [((key, n), row) for n, row in enumerate(value) if isinstance(row, Mapping)]


def mapping_of(data: object, key: str) -> Mapping[str, object]:
    """Return what stands under a key when it is a mapping, else nothing."""
    value = data.get(key) if isinstance(data, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _twice(document: LocatedDocument, group: Sequence[Row], key: str) -> Iterator[Fault]:
    first_lines: dict[str, int] = {}
    for path, row in group:
        value = row.get(key)
        if not isinstance(value, str):
            continue
        place = (*path, key)
        line = document.line_of(place)
        if comparison_key(value) in first_lines:
            first = first_lines[comparison_key(value)]
            yield document.fault(place, "value_twice", key=key, found=value, first=first)
        first_lines.setdefault(comparison_key(value), line)


def _rule_faults(document: LocatedDocument, path: Path, obligation: Mapping[str, object]) -> Iterator[Fault]:
    earlier: date | None = None
    for (key, n), rule in rows(obligation, "rules"):
        day = rule.get("valid_from")
        if not isinstance(day, date):
            continue
        if earlier is not None and day <= earlier:
            place = (*path, key, n, "valid_from")
            yield document.fault(place, "rules_out_of_order", found=f"{day:%d/%m/%Y}", earlier=f"{earlier:%d/%m/%Y}")
        earlier = day


def _ladder_faults(document: LocatedDocument, ladder: str) -> list[Fault]:
    rungs: list[Row] = [(("ladders", *path), rung) for path, rung in rows(document.data.get("ladders"), ladder)]  # type: ignore[attr-defined]  # only called for a ladder of a mapping
    faults = list(_twice(document, rungs, "code"))
    latest: tuple[bool, int] | None = None
    for n, (path, rung) in enumerate(rungs):
        days = rung.get("working_days")
        if not isinstance(days, int):
            continue
        place = (rung.get("anchor") == Anchor.LATE_AT, days)
        if latest is not None and place < latest:
            faults.append(document.fault((*path, "working_days"), "rungs_out_of_order", found=rung.get("code")))
        if rung.get("action") == RungAction.CLOSE and n != len(rungs) - 1:
            faults.append(document.fault((*path, "action"), "close_not_last", found=rung.get("code")))
        latest = place
    return faults
