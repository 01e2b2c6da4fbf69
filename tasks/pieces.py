"""The pieces of the heavy steps, as tasks that any process of a cluster can do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.db.records import arrivals, cycles
from models.domain.errors import FileStoreRefusedError
from models.domain.vocabulary import Channel
from tasks.adapters.archive import DAMAGED
from tasks.names import run_name
from tasks.ports import Brought, MailFile, ParsedMail, Unpacked
from tasks.receive import MAIL_ENDING
from tasks.runtime import Runtime
from tasks.spreading import Place, runtime_here
from tasks.stamp import Stamper

ARRIVALS_A_PIECE: Final = 100


def opened_arrivals(runtime: Runtime, taken: Sequence[arrivals.TakenArrival]) -> Iterable[Unpacked]:
    """Return what each arrival holds, in order: opened by this run's workers, or in pieces by a cluster."""
    if runtime.spread is None:
        return _opened_here(runtime, taken)
    pieces = [taken[start : start + ARRIVALS_A_PIECE] for start in range(0, len(taken), ARRIVALS_A_PIECE)]
    done = runtime.spread.each(open_piece, [{"taken": piece} for piece in pieces])
    return (unpacked for piece in done for unpacked in piece)


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


@task(name="open-piece", task_run_name=run_name("open_piece"), cache_policy=NO_CACHE)
def open_piece(place: Place, taken: Sequence[arrivals.TakenArrival]) -> list[Unpacked]:
    """Open some arrivals that the store keeps; of their files only the forms that may go back are handed on."""
    runtime = runtime_here(place)
    return [_lightened(each) for each in _opened_here(runtime, taken)]


@task(name="stamp-piece", task_run_name=run_name("stamp_piece"), cache_policy=NO_CACHE)
def stamp_piece(place: Place, cycle_code: str, duty_ids: Sequence[int], as_of: datetime) -> dict[int, str]:
    """Stamp the forms of some duties into the store, and return their digests."""
    runtime = runtime_here(place)
    with runtime.sessions() as session:
        records = list(cycles.duties(session, duty_ids).values())
        return Stamper(runtime, session, cycles.cycle(session, cycle_code), as_of).stamp(records)


def _opened_here(runtime: Runtime, taken: Sequence[arrivals.TakenArrival]) -> list[Unpacked]:
    """Open what the store has; one file that is lost or damaged there stops none of the others."""
    lost: set[int] = set()

    def found() -> Iterator[Brought]:
        for arrival in taken:
            try:
                yield brought_from_store(runtime, arrival)
            except FileNotFoundError:
                lost.add(arrival.id)
            except FileStoreRefusedError as refused:
                if refused.code != DAMAGED:
                    raise
                lost.add(arrival.id)

    opened = iter(runtime.reader.unpack(found()))
    return [_lost(arrival) if arrival.id in lost else next(opened) for arrival in taken]


def _lost(arrival: arrivals.TakenArrival) -> Unpacked:
    return Unpacked(mail=ParsedMail(sender=arrival.sender), is_lost=True)


def brought_from_store(runtime: Runtime, arrival: arrivals.TakenArrival) -> Brought:
    """Return an arrival as it is handed over to be opened, with its bytes from the store."""
    return Brought(
        content=runtime.archive.read(arrival.digest),
        is_mail=arrival.channel is Channel.MAIL or arrival.file_name.lower().endswith(MAIL_ENDING),
        file_name=arrival.file_name,
        is_cut=arrival.is_cut,
    )


def _lightened(unpacked: Unpacked) -> Unpacked:
    """Return it without the bytes that nobody asks for any more; the arrival itself is in the store.

    Asked for are those of the forms of ours, which are told from blank ones by them, and of the first workbook.
    """
    files = unpacked.enclosures
    asked_for = {0} | {number for number, read in enumerate(unpacked.forms) if read.stamp is not None}
    workbooks = tuple(
        file if number in asked_for else replace(file, content=b"") for number, file in enumerate(files.workbooks)
    )
    lighter = replace(files, workbooks=workbooks, documents=_emptied(files.documents), others=_emptied(files.others))
    return replace(unpacked, enclosures=lighter, mail=replace(unpacked.mail, files=_emptied(unpacked.mail.files)))


def _emptied(files: Iterable[MailFile]) -> tuple[MailFile, ...]:
    return tuple(replace(file, content=b"") for file in files)
