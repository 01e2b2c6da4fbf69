"""The status board: what lies in the folder, that it asks nothing of the network, and that only news is written."""

import re
from html.parser import HTMLParser

import pytest

from models.db.records import cycles
from models.domain.duties import Mark
from models.domain.errors import UnitNotExpectedError
from models.domain.scoring import Ground
from models.domain.vocabulary import MarkKind
from tasks.receive import taken_in_chunks
from tasks.status_board import make_board
from tasks.verdicts import verdict_on
from tests.builders import hanoi


class Links(HTMLParser):
    """Collects what a page links to and what it would fetch by itself."""

    def __init__(self, text):
        super().__init__()
        self.links, self.fetched = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "a":
            self.links.append(found["href"])
        self.fetched += [found[name] for name in ("src", "data", "poster") if found.get(name)]
        if tag in {"link", "script", "iframe"}:
            self.fetched.append(tag)


def made_at(office, instant, **how):
    with office.at(instant) as runtime:
        return make_board(runtime, runtime.clock.now(), **how)


@pytest.fixture(scope="module")
def board(replay_office):
    """The board of an office that has opened one cycle."""
    made_at(replay_office, "2025-06-18 08:00")
    return replay_office.home / "board"


def test_every_link_of_the_front_page_leads_to_a_page_of_the_folder(board):
    links = [link for link in Links((board / "index.html").read_text("utf-8")).links if not link.startswith("#")]
    assert len(links) > 76
    assert [link for link in links if not (board / link).is_file()] == []


def test_no_page_fetches_anything(board):
    for path in board.rglob("*.html"):
        text = path.read_text("utf-8")
        assert Links(text).fetched == []
        assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org/)", text)


def test_each_mark_of_the_drawings_has_a_name_of_its_own(board):
    ids = re.findall(r'\bid="([^"]+)"', (board / "index.html").read_text("utf-8"))
    assert len(ids) == len(set(ids))


def test_a_drawing_is_told_to_those_who_cannot_see_it(board):
    drawings = re.findall(r"<svg.*?</svg>", (board / "index.html").read_text("utf-8"), flags=re.DOTALL)
    assert drawings
    assert all('role="img"' in each and "<title" in each and "<desc" in each for each in drawings)
    assert all("Tiến độ" in each or "Xu hướng" in each for each in drawings)


def test_only_the_front_page_is_new_when_nothing_has_happened(board, replay_office):
    before = {path: path.stat().st_mtime_ns for path in board.rglob("*.html")}
    assert made_at(replay_office, "2025-06-18 09:00").n_written == 1
    changed = {path.name for path, at in before.items() if path.stat().st_mtime_ns != at}
    assert changed == {"index.html"}
    assert (board / "bc-6t-2025" / "index.html").stat().st_mtime_ns == before[board / "bc-6t-2025" / "index.html"]


def test_a_page_that_nothing_stands_behind_goes_and_other_files_stay(board, replay_office):
    (board / "bc-6t-2025" / "khong-con.html").write_text("x")
    (board / "ky-cu").mkdir()
    (board / "ky-cu" / "index.html").write_text("x")
    (board / "ghi-chu.txt").write_text("x")
    assert made_at(replay_office, "2025-06-18 10:00").n_gone == 2
    assert not (board / "ky-cu").exists()
    assert (board / "ghi-chu.txt").exists()


def test_what_a_stranger_wrote_is_text_on_the_board(opened_office):
    with opened_office.at("2025-06-10 08:00") as runtime, runtime.sessions.begin() as session:
        record = cycles.duties_of_units(session, "bc-6t-2025", ["so-y-te"])["so-y-te"]
        mark = Mark(
            kind=MarkKind.PROMISE,
            stated_at=hanoi("2025-06-10 08:00"),
            until=hanoi("2025-06-21"),
            reason="<script>alert(1)</script>",
        )
        cycles.add_mark(session, record.duty.id, mark)
    made_at(opened_office, "2025-06-10 09:00")
    page = (opened_office.home / "board" / "bc-6t-2025" / "so-y-te.html").read_text("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_a_mailbox_that_cannot_be_reached_over_the_deadline_is_kept_and_made_good(opened_office):
    port, opened_office.mail.imap_port = opened_office.mail.imap_port, 1
    for instant in ("2025-06-16 20:00", "2025-06-16 23:00"):
        with opened_office.at(instant) as runtime, pytest.raises(Exception, match="mailbox_unavailable"):
            list(taken_in_chunks(runtime))
    opened_office.mail.imap_port = port
    opened_office.poll("2025-06-17 07:00")
    with opened_office.at("2025-06-18 08:00") as runtime:
        found = verdict_on(runtime, "bc-6t-2025", "so-y-te", runtime.clock.now())
        assert (found.ground, found.counts) == (Ground.OUTAGE_UNANSWERED, None)
        assert (found.outage.since, found.outage.until) == (hanoi("2025-06-16 20:00"), hanoi("2025-06-17 07:00"))
        assert found.credit_until == hanoi("2025-06-19 00:00")


def test_a_unit_of_which_nothing_was_asked_has_no_verdict(replay_office):
    with replay_office.at("2025-06-18 08:00") as runtime, pytest.raises(UnitNotExpectedError):
        verdict_on(runtime, "bc-6t-2025", "khong-co", runtime.clock.now())
