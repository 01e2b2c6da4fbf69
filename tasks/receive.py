"""Takes arrivals in from the mailbox and the drop folder, keeps their bytes, and later files them away."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.db.records import arrivals, heartbeats, outages
from models.domain.errors import MailboxUnavailableError
from models.domain.vocabulary import Channel
from tasks.ahead import one_ahead
from tasks.holding import hold
from tasks.lots import in_lots
from tasks.names import run_name
from tasks.pieces import is_a_mail, looks
from tasks.ports import Brought, FirstLook, Inbox, InboxItem
from tasks.runtime import Runtime

logger = logging.getLogger(__name__)
MAILBOX_POLLED = "mailbox_polled"
ARRIVALS_PER_TRANSACTION = 400
OCTETS_PER_CHUNK: Final = 16 * 1024 * 1024
_Rows = list[dict[str, object]]


def taken_in_chunks(runtime: Runtime) -> Iterator[int]:
    """Take in whatever waits in the drop folder and the mailbox; yield how many are new as each chunk is recorded.

    Bytes are kept before the arrival is recorded, and the arrival stays where it is until it has an outcome, so that
    a crash at any point loses nothing and takes nothing twice.

    Raises:
        MailboxUnavailableError: the mailbox cannot be reached; what lies in the drop folder was taken in before.
    """
    limit = runtime.settings.arrivals_per_poll
    yield from kept_in_chunks(runtime, runtime.drop_folder.waiting(limit=limit), Channel.DROP_FOLDER)
    if runtime.mailbox is not None:
        yield from _taken_from_mailbox(runtime, runtime.mailbox, limit)


def _taken_from_mailbox(runtime: Runtime, mailbox: Inbox, limit: int) -> Iterator[int]:
    """Take in what waits in the mailbox; that it was reached, or could not be, is kept for whoever asks later."""
    started_at = runtime.clock.now()
    with runtime.sessions() as session:
        taken = arrivals.unjudged_keys(session, Channel.MAIL)
    try:
        yield from kept_in_chunks(runtime, mailbox.waiting(limit=limit, taken=taken), Channel.MAIL)
    except MailboxUnavailableError as error:
        with runtime.sessions.begin() as session:
            outages.begin(session, MAILBOX_POLLED, at=started_at, detail=str(error.facts.get("detail", "")))
        raise
    with runtime.sessions.begin() as session:
        outages.end(session, MAILBOX_POLLED, at=started_at)
        heartbeats.beat(session, MAILBOX_POLLED, at=started_at)


def kept_in_chunks(runtime: Runtime, items: Iterable[InboxItem], channel: Channel) -> Iterator[int]:
    """Keep the bytes of each item and record it as an arrival, unless its key is known; yield how many are new.

    While one chunk is being recorded and judged, the next is being kept, and the workers look at those after it.
    """
    for rows, contents in one_ahead(_kept(runtime, items, channel)):
        with runtime.sessions.begin() as session:
            n_new = arrivals.take(session, rows)
            hold(runtime, session, contents)
        yield n_new


def _kept(runtime: Runtime, items: Iterable[InboxItem], channel: Channel) -> Iterator[tuple[_Rows, dict[str, bytes]]]:
    """Yield the items by chunks as they are to be recorded, and by digest their bytes, which are on the disk."""
    for chunk in _looked_at(runtime, items, channel):
        taken_at = runtime.clock.now()
        contents = [item.content for item, look in chunk if not look.is_secret]
        digests = runtime.archive.keep_all(contents)
        kept = iter(digests)
        rows = [
            _row(item, look, channel, taken_at, digest="" if look.is_secret else next(kept)) for item, look in chunk
        ]
        yield rows, dict(zip(digests, contents, strict=True))


def _looked_at(
    runtime: Runtime, items: Iterable[InboxItem], channel: Channel
) -> Iterator[list[tuple[InboxItem, FirstLook]]]:
    """Yield as many items as may be recorded at once, at least one, each with what was seen of it.

    What was fetched before a mailbox broke off is yielded before that is raised.
    """
    fetched = _UntilItBreaks(items)
    seen = _looks(runtime, fetched, channel)
    yield from in_lots(seen, _octets_of, most=ARRIVALS_PER_TRANSACTION, most_octets=OCTETS_PER_CHUNK)
    if fetched.broken is not None:
        raise fetched.broken


def _octets_of(looked_at: tuple[InboxItem, FirstLook]) -> int:
    item, _ = looked_at
    return len(item.content)


class _UntilItBreaks:
    """The items of an inbox as far as it gives them, and by what it broke off."""

    def __init__(self, items: Iterable[InboxItem]) -> None:
        """Keep the items; none is fetched yet."""
        self._items = items
        self.broken: Exception | None = None

    def __iter__(self) -> Iterator[InboxItem]:
        """Yield them; whatever is raised instead of one is kept, and is the end."""
        try:
            yield from self._items
        except Exception as problem:  # noqa: BLE001 - raised again when what came before is recorded
            self.broken = problem


def _looks(runtime: Runtime, items: Iterable[InboxItem], channel: Channel) -> Iterator[tuple[InboxItem, FirstLook]]:
    given: deque[InboxItem] = deque()

    def brought() -> Iterator[Brought]:
        for item in items:
            if runtime.spread is None:
                runtime.reader.prepare()
            given.append(item)
            yield brought_by(item, channel)

    for look in looks(runtime, brought()):
        yield given.popleft(), look


@task(name="file-away", task_run_name=run_name("file_away"), cache_policy=NO_CACHE)
def file_arrivals_away(runtime: Runtime) -> int:
    """Move what has an outcome to the folder of that outcome, and return how many were moved."""
    places: list[tuple[Channel, Inbox | None]] = [
        (Channel.MAIL, runtime.mailbox),
        (Channel.DROP_FOLDER, runtime.drop_folder),
    ]
    return sum(_file_away(runtime, channel, inbox) for channel, inbox in places if inbox is not None)


def _file_away(runtime: Runtime, channel: Channel, inbox: Inbox) -> int:
    n_moved = 0
    with runtime.sessions() as session:
        for (outcome, is_secret), keys in arrivals.judged_to_file_away(session, channel).items():
            inbox.file_away(keys, outcome, is_secret=is_secret)
            arrivals.note_filed(session, keys, at=runtime.clock.now())
            session.commit()
            n_moved += len(keys)
    return n_moved


def _row(item: InboxItem, look: FirstLook, channel: Channel, taken_at: datetime, *, digest: str) -> dict[str, object]:
    """Return an item as an arrival; of one that bears a marking of secrecy nothing is kept but that it came."""
    is_rated = channel is Channel.MAIL and not look.is_automatic
    return {
        "key": item.key,
        "channel": channel,
        "received_at": item.received_at,
        "taken_at": taken_at,
        "digest": digest,
        "is_cut": item.is_cut,
        "operator": item.operator,
        "file_name": "" if look.is_secret else item.file_name,
        "sender": look.sender if is_rated or (look.is_secret and not look.is_automatic) else "",
        "is_secret": look.is_secret,
    }


def brought_by(item: InboxItem, channel: Channel) -> Brought:
    """Return an item as it is handed over to be opened."""
    is_mail = is_a_mail(channel, item.file_name)
    return Brought(content=item.content, is_mail=is_mail, file_name=item.file_name, is_cut=item.is_cut)
