"""What was fetched or kept before something broke off is recorded and judged; what is lost stops nobody."""

from collections.abc import Iterator

import pytest

from models.db.records import arrivals
from models.domain.errors import FileStoreRefusedError, MailboxUnavailableError
from models.domain.vocabulary import Channel
from tasks.ports import InboxItem
from tasks.receive import kept_in_chunks, taken_in_chunks
from tasks.take_and_judge import take_and_judge
from tests.builders import hanoi

NOON = "2025-06-10 12:00"
N_FETCHED = 30


def texts(n: int) -> Iterator[InboxItem]:
    for number in range(n):
        yield InboxItem(
            key=f"command:an:{number}",
            received_at=hanoi(NOON),
            content=f"thư {number}".encode(),
            operator="an",
            file_name=f"{number}.txt",
        )


def a_mailbox_that_breaks_off() -> Iterator[InboxItem]:
    yield from texts(N_FETCHED)
    raise MailboxUnavailableError(host="mail", port=993, folder="INBOX", detail="EOF")


def test_what_was_fetched_before_the_mailbox_broke_off_is_recorded(opened_office):
    with opened_office.at(NOON) as runtime:
        kept = kept_in_chunks(runtime, a_mailbox_that_breaks_off(), Channel.COMMAND)
        assert next(kept) == N_FETCHED
        with pytest.raises(MailboxUnavailableError):
            next(kept)


@pytest.fixture
def with_two_taken(opened_office):
    """Two files are taken in and not judged yet; the first one's bytes are somewhere in the store."""
    drop = opened_office.home / "drop" / "van-thu"
    drop.mkdir(parents=True, exist_ok=True)
    for name in ("a.txt", "b.txt"):
        (drop / name).write_text(name)
    with opened_office.at("2026-01-01 08:00") as runtime:
        assert sum(taken_in_chunks(runtime)) == 2
        with runtime.sessions() as session:
            first, second = arrivals.unjudged(session, limit=9)
    for name in ("a.txt", "b.txt"):
        (drop / name).unlink()  # what still lies there would be kept anew
    return opened_office, first, second


def kept_file(office, digest):
    return office.home / "archive" / digest[:2] / digest[2:]


@pytest.mark.parametrize("damage", ["lost", "changed"])
def test_an_original_that_is_lost_goes_to_a_person_and_the_next_is_judged(with_two_taken, damage):
    office, first, _ = with_two_taken
    path = kept_file(office, first.digest)
    path.unlink() if damage == "lost" else path.write_bytes(b"!")
    with office.at("2026-01-01 09:00") as runtime:
        counts = take_and_judge.fn(runtime, runtime.clock.now())
        with runtime.sessions() as session:
            held = [item for item in arrivals.in_quarantine(session) if item.id == first.id]
        sentences = [runtime.texts.finding(reason) for reason in held[0].reasons]
    assert counts["quarantined"] + counts["ignored"] == 2
    assert sentences[0].startswith("Bản gốc của văn bản này không còn trong kho tệp, hoặc đã hỏng.")


def test_where_the_whole_store_is_gone_nothing_is_judged(with_two_taken):
    office, *_ = with_two_taken
    (office.home / "archive").rename(office.home / "unmounted")
    with office.at("2026-01-01 09:00") as runtime, pytest.raises(FileStoreRefusedError):
        take_and_judge.fn(runtime, runtime.clock.now())


def test_bytes_that_were_damaged_are_mended_when_they_are_kept_again(opened_office):
    with opened_office.at(NOON) as runtime:
        digest = runtime.archive.keep(b"whole")
        kept_file(opened_office, digest).write_bytes(b"ha")
        assert runtime.archive.keep(b"whole") == digest
        assert runtime.archive.read(digest) == b"whole"
