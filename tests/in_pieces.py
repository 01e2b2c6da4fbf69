"""Heavy steps done in pieces, each in this process but with a runtime of its own, as the machines of a cluster have."""

from contextlib import contextmanager

from tasks import pieces
from tasks.post import post_letters
from tasks.take_and_judge import take_and_judge
from tests.tasks.conftest import ANSWERS


class InPieces:
    """Has the pieces done here; satisfies `ports.Spread`. It notes which were done."""

    def __init__(self):
        self.done = []

    def each(self, work, orders, *, octets=len):
        for order in orders:
            self.done.append(work.name)
            yield work.fn(place=None, **order)


@contextmanager
def with_a_cluster(office, instant, monkeypatch):
    """Yield a Runtime of the instant with a cluster beside it, which has another runtime on the same settings."""
    with office.at(instant) as elsewhere, office.delivered(instant) as runtime:
        monkeypatch.setattr(pieces, "runtime_here", lambda _place: elsewhere)
        yield runtime.with_spread(InPieces())


def polled_with_a_cluster(office, instant, monkeypatch):
    """Do what the mailbox's round does, its pieces done by a cluster, and return the counts."""
    with with_a_cluster(office, instant, monkeypatch) as runtime:
        counts = take_and_judge.fn(runtime, runtime.clock.now())
        post_letters.fn(runtime, ANSWERS)
    return counts
