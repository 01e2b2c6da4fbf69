"""What arrives is looked at and opened in pieces by a cluster: once, and nothing of what is marked is kept."""

from tasks.post import post_letters
from tasks.spreading import OCTETS_UNDER_WAY, PIECES_UNDER_WAY, Cluster
from tasks.take_and_judge import take_and_judge
from tests.adapters.test_secrecy import a_document
from tests.in_pieces import polled_with_a_cluster, with_a_cluster
from tests.tasks.answering import newest, plain, send_form
from tests.tasks.conftest import ANSWERS
from tests.tasks.test_who_sent_it import rows, send_mail

UNIT, OTHER = "so-y-te", "so-noi-vu"


def refuse(*_given):
    raise AssertionError("this run opens an arrival that the cluster has opened")


def test_what_a_cluster_has_looked_at_is_not_opened_again(opened_office, monkeypatch):
    office = opened_office
    office.poll("2025-06-09 09:00")  # the blind copies of what was sent before
    send_form(office, UNIT, "2025-06-10 09:00")
    send_form(office, OTHER, "2025-06-10 09:01", cells={"CT01": -4})
    with with_a_cluster(office, "2025-06-10 09:05", monkeypatch) as runtime:
        with monkeypatch.context() as here:
            here.setattr(runtime.reader, "in_a_worker", refuse)
            counts = take_and_judge.fn(runtime, runtime.clock.now())
        post_letters.fn(runtime, ANSWERS)
    assert (counts["accepted"], counts["returned"]) == (1, 1)
    assert set(runtime.spread.done) == {"look-piece"}
    (marked,) = newest(office, OTHER).iter_attachments()
    assert marked.get_content_type().endswith(".sheet")


def test_of_what_bears_a_marking_a_cluster_keeps_and_tells_nothing(opened_office, monkeypatch):
    office = opened_office
    office.poll("2025-06-09 09:00")
    secret = a_document("UBND TỈNH", "TỐI MẬT", "Nội dung kín")
    send_mail(office, "la@example.invalid", "Gửi tài liệu kín", "2025-06-10 09:00", files=[("kin.docx", secret)])
    send_form(office, UNIT, "2025-06-10 09:01")
    kept_before = set((office.home / "archive").rglob("*"))
    counts = polled_with_a_cluster(office, "2025-06-10 09:05", monkeypatch)
    assert (counts["returned"], counts["accepted"]) == (1, 1)
    (marked,) = [row for row in rows(office, "2025-06-10 10:00") if row.is_secret]
    assert (marked.digest, marked.subject, marked.file_name) == ("", "", "")
    kept = {path for path in (office.home / "archive").rglob("*") if path.is_file()} - kept_before
    assert kept
    assert not any(secret in path.read_bytes() for path in kept)
    assert "Đã nhận" in newest(office, UNIT)["Subject"] or "tiếp nhận" in plain(newest(office, UNIT))


class Noted(Cluster):
    """A cluster whose pieces are done when they are waited for; it notes how much was under way."""

    def __init__(self):
        self.under_way = []
        self.most = []

    def _handed_over(self, work, order):
        self.under_way.append(order["octets"])
        self.most.append(tuple(self.under_way))
        return order["octets"]

    def _result(self, future):
        assert future == self.under_way.pop(0)
        return future


def orders_of(sizes):
    return ({"octets": size} for size in sizes)


def test_no_more_is_under_way_than_memory_allows_and_a_larger_piece_goes_alone():
    half, whole = OCTETS_UNDER_WAY // 2, 2 * OCTETS_UNDER_WAY
    cluster = Noted()
    sizes = [half, half, 1, whole, 1, 1]
    assert list(cluster.each(None, orders_of(sizes), octets=lambda order: order["octets"])) == sizes
    assert cluster.most == [(half,), (half, half), (half, 1), (whole,), (1,), (1, 1)]


def test_pieces_that_carry_no_files_are_under_way_by_number():
    cluster = Noted()
    assert len(list(cluster.each(None, orders_of(range(50))))) == 50
    assert max(map(len, cluster.most)) == PIECES_UNDER_WAY
