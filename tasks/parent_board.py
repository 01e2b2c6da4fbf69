"""Shows how the children of each parent stand in a cycle: a row a parent, those with most to urge first.

One table a cycle and not one a parent: ten districts or three thousand communes, the page stays one.
"""

from collections.abc import Sequence
from typing import Final

from prefect.artifacts import create_table_artifact

from models.db.records import rosters
from models.domain.vietnamese import sort_key
from models.domain.vocabulary import OFFICE_ZONE, Standing
from tasks.board import Board, DutyLine
from tasks.runtime import Runtime

N_PARENTS_SHOWN: Final = 200
N_CHILDREN_NAMED: Final = 5
OWING: Final = frozenset({Standing.OPEN, Standing.IN_GRACE, Standing.EXTENDED, Standing.LATE})


def publish_parents(runtime: Runtime, board: Board, *, key: str) -> None:
    """Show the table of a cycle whose units report to their parents; of any other cycle nothing."""
    if not board.cycle.is_of_children:
        return
    rows = parent_rows(runtime, board)
    create_table_artifact(
        key=key,
        table=rows[:N_PARENTS_SHOWN],
        description=runtime.texts.say(
            "parents.heading",
            title=board.cycle.title,
            n=len(rows),
            n_shown=min(len(rows), N_PARENTS_SHOWN),
            cycle=board.cycle.code,
            as_of=runtime.texts.instant(board.as_of),
        ),
    )


def parent_rows(runtime: Runtime, board: Board) -> list[dict[str, str]]:
    """Return a row for each parent as people read it; who has most children that are late comes first."""
    families: dict[str, list[DutyLine]] = {}
    for line in board.lines:
        if line.parent_code is not None:
            families.setdefault(line.parent_code, []).append(line)
    today = board.as_of.astimezone(OFFICE_ZONE).date()
    with runtime.sessions() as session:
        contacts = rosters.working_contacts(session, board.cycle.programme_code, today, unit_codes=list(families))
    order = sorted(families.items(), key=lambda family: (-_n_late(family[1]), sort_key(family[1][0].parent_name)))
    texts = runtime.texts
    rows = []
    for code, lines in order:
        owing = [line.unit_name for line in lines if line.standing in OWING]
        first = next(iter(contacts.get(code, ())), None)
        values = {
            "parent": lines[0].parent_name,
            "code": code,
            "answered": f"{sum(line.received_at is not None for line in lines)}/{len(lines)}",
            "late": str(_n_late(lines)),
            "missing": _named(runtime, owing),
            "contact": first.email if first else texts.say("board.no_contact"),
            "phone": (first.phone if first else "") or "–",
        }
        rows.append({texts.say(f"parents.column.{name}"): value for name, value in values.items()})
    return rows


def _n_late(lines: Sequence[DutyLine]) -> int:
    return sum(line.standing is Standing.LATE for line in lines)


def _named(runtime: Runtime, names: Sequence[str]) -> str:
    named = "; ".join(names[:N_CHILDREN_NAMED])
    rest = len(names) - N_CHILDREN_NAMED
    return runtime.texts.say("aggregate.named_and_more", named=named, n=rest) if rest > 0 else named or "–"
