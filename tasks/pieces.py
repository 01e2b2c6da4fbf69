"""The pieces of the heavy steps, as tasks that any process of a cluster can do."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.db.records import arrivals, cycles
from models.domain.errors import FileStoreRefusedError
from models.domain.vocabulary import Channel
from tasks.adapters.archive import DAMAGED
from tasks.lots import in_lots
from tasks.names import run_name
from tasks.ports import Brought, FirstLook, ParsedMail, Stored, Unpacked
from tasks.runtime import Runtime
from tasks.settings import MEBIBYTE
from tasks.spreading import Place, runtime_here
from tasks.stamp import Stamper

ARRIVALS_A_PIECE: Final = 50
"""Were each of them hostile, and took all the time that it is given, a piece would still end in the time it has."""
OCTETS_A_PIECE: Final = 4 * MEBIBYTE
MAIL_ENDING: Final = ".eml"


def looks(runtime: Runtime, arrived: Iterable[Brought]) -> Iterator[FirstLook]:
    """Yield what must be known of each arrival before it is kept, in order: from this run's workers, or a cluster.

    To look at an arrival is to open it, and what it holds is remembered here until it is judged. To a cluster its bytes
    travel, for what bears a marking of secrecy may lie in no store; whoever looks there keeps nothing.
    """
    if runtime.spread is None:
        yield from runtime.reader.look(arrived)
        return
    under_way: deque[Sequence[Brought]] = deque()

    def orders() -> Iterator[dict[str, Sequence[Brought]]]:
        for piece in in_lots(arrived, _octets_of, most=ARRIVALS_A_PIECE, most_octets=OCTETS_A_PIECE):
            under_way.append(piece)
            yield {"arrived": piece}

    for seen in runtime.spread.each(look_piece, orders(), octets=_octets_in):
        for brought, (look, unpacked) in zip(under_way.popleft(), seen, strict=True):
            if unpacked is not None:
                runtime.reader.remember(brought, unpacked)
            yield look


def _octets_in(order: Mapping[str, Sequence[Brought]]) -> int:
    return sum(map(_octets_of, order["arrived"]))


def _octets_of(brought: Brought) -> int:
    return len(brought.content)


def stamped_forms(
    runtime: Runtime, cycle_code: str, chunks: Iterable[Sequence[int]], as_of: datetime
) -> Iterator[dict[int, str]]:
    """Yield by duty the digest of its form, chunk by chunk: from this run, or from a cluster."""
    if runtime.spread is None:
        with runtime.sessions() as session:
            stamper = Stamper(runtime, session, cycles.cycle(session, cycle_code), as_of)
            for ids in chunks:
                yield stamper.stamp(list(cycles.duties(session, ids).values()))
        return
    orders = [{"cycle_code": cycle_code, "duty_ids": list(ids), "as_of": as_of} for ids in chunks]
    yield from runtime.spread.each(stamp_piece, orders)


@task(name="look-piece", task_run_name=run_name("look_piece"), cache_policy=NO_CACHE)
def look_piece(place: Place, arrived: Sequence[Brought]) -> list[tuple[FirstLook, Unpacked | None]]:
    """Look at some arrivals, and return what each holds; of one that bears a marking of secrecy nothing."""
    reader = runtime_here(place).reader
    seen = list(reader.look(arrived))
    kept = [brought for brought, look in zip(arrived, seen, strict=True) if not look.is_secret]
    opened = iter(reader.unpack(kept))
    return [(look, None if look.is_secret else next(opened)) for look in seen]


@task(name="stamp-piece", task_run_name=run_name("stamp_piece"), cache_policy=NO_CACHE)
def stamp_piece(place: Place, cycle_code: str, duty_ids: Sequence[int], as_of: datetime) -> dict[int, str]:
    """Stamp the forms of some duties into the store, and return their digests."""
    runtime = runtime_here(place)
    with runtime.sessions() as session:
        records = list(cycles.duties(session, duty_ids).values())
        return Stamper(runtime, session, cycles.cycle(session, cycle_code), as_of).stamp(records)


def opened_arrivals(runtime: Runtime, taken: Sequence[arrivals.TakenArrival]) -> list[Unpacked]:
    """Return what each arrival holds that the store keeps, in order; most were opened when they were looked at.

    One file that is lost or damaged there stops none of the others.
    """
    lost: set[int] = set()
    known = {arrival.id: runtime.reader.recall(_stored(arrival)) for arrival in taken}

    def found() -> Iterator[Brought]:
        for arrival in (each for each in taken if known[each.id] is None):
            try:
                yield brought_from_store(runtime, arrival)
            except FileNotFoundError:
                lost.add(arrival.id)
            except FileStoreRefusedError as refused:
                if refused.code != DAMAGED:
                    raise
                lost.add(arrival.id)

    opened = iter(runtime.reader.unpack(found()))
    return [known[each.id] or (_lost(each) if each.id in lost else next(opened)) for each in taken]


def _lost(arrival: arrivals.TakenArrival) -> Unpacked:
    return Unpacked(mail=ParsedMail(sender=arrival.sender), is_lost=True)


def brought_from_store(runtime: Runtime, arrival: arrivals.TakenArrival) -> Brought:
    """Return an arrival as it is handed over to be opened, with its bytes from the store."""
    stored = _stored(arrival)
    return Brought(
        content=runtime.archive.read(stored.digest),
        is_mail=stored.is_mail,
        file_name=stored.file_name,
        is_cut=stored.is_cut,
    )


def is_a_mail(channel: Channel, file_name: str) -> bool:
    """Say whether an arrival is opened as a mail; it is known again by that, so all who ask must hear the same."""
    return channel is Channel.MAIL or file_name.lower().endswith(MAIL_ENDING)


def _stored(arrival: arrivals.TakenArrival) -> Stored:
    return Stored(
        digest=arrival.digest,
        is_mail=is_a_mail(arrival.channel, arrival.file_name),
        file_name=arrival.file_name,
        is_cut=arrival.is_cut,
    )
