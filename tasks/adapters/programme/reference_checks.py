"""Faults between the files of a folder: a plan that names units the roster lacks, or indicators that no form has.

It looks at the plain values of `plan.yaml`, so that these faults show in the same round as all others.
"""

from collections.abc import Collection, Iterator, Sequence

from models.domain.errors import Fault
from tasks.adapters.programme.located_yaml import LocatedDocument, Path
from tasks.adapters.programme.order_checks import Row, rows
from tasks.adapters.programme.written import nearest


def unknown_units(document: LocatedDocument, unit_codes: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each unit that the plan names and the roster lacks."""
    for path, obligation in rows(document.data, "obligations"):
        places = [*_listed((path, obligation), "coordinating_units"), *_single((path, obligation), "lead_unit")]
        for rule_path, rule in rows(obligation, "rules"):
            places += _listed(((*path, *rule_path), rule), "expected_units")
        for place, code in places:
            if code not in unit_codes:
                yield document.fault(place, "unit_not_in_roster", found=code, nearest=nearest(code, unit_codes))


def unknown_indicators(document: LocatedDocument, form_codes: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each indicator or section that the plan names and no form has."""
    places: list[tuple[Path, str]] = []
    for path, obligation in rows(document.data, "obligations"):
        evidence = obligation.get("evidence")
        if isinstance(evidence, dict):
            for key in ("indicators", "sections"):
                places += _listed(((*path, "evidence"), evidence), key)
    for row in rows(document.data, "criteria"):
        places += _listed(row, "indicators")
    for place, code in places:
        if code not in form_codes:
            yield document.fault(place, "indicator_not_in_forms", found=code)


def _listed(row: Row, key: str) -> list[tuple[Path, str]]:
    path, values = row
    listed = values.get(key)
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    return [((*path, key, n), str(code)) for n, code in enumerate(listed)]


def _single(row: Row, key: str) -> list[tuple[Path, str]]:
    path, values = row
    return [((*path, key), str(values[key]))] if isinstance(values.get(key), str) else []
