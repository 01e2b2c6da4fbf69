"""A ready answer must be one that the program understands: each link's body goes through the reader of real mails."""

from datetime import date
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from models.domain.replies import read_reply
from models.domain.tokens import token_in_address, token_in_subject
from tasks.adapters.mail_reading import MailReader, reply_phrases
from tasks.adapters.quick_replies import AnsweredDuty, promised_day, quick_replies
from tasks.adapters.texts import vietnamese
from tasks.settings import LimitSettings
from tests.builders import CALENDAR, hanoi

OURS, TOKEN = "baocao@dondoc.example.invalid", "abcdefgh234567ab"
READER = MailReader(vietnamese(), LimitSettings(_env_file=None))


def links(as_of="2025-06-12 08:00", **said):
    usual = {
        "address": f"baocao+{TOKEN}@dondoc.example.invalid",
        "token": TOKEN,
        "title": "[BC 6T 2025] Sở Y tế & Dân số",
        "is_report": True,
        "until": hanoi("2025-06-15 00:00"),
    }
    return quick_replies(AnsweredDuty(**(usual | said)), vietnamese(), as_of=hanoi(as_of), calendar=CALENDAR)


def sent(link):
    """The mail that a mail program opens for a link, as it arrives when it is sent as it is."""
    parts = urlsplit(link.url)
    fields = {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.invalid", unquote(parts.path), fields["subject"]
    mail.set_content(fields["body"])
    return READER.read(bytes(mail))


def understood(link, today=date(2025, 6, 12)):
    return read_reply(sent(link).own_text, phrases=reply_phrases(vietnamese()), today=today)


def test_each_ready_answer_is_understood_and_carries_the_token():
    nil, promise, contest = links()
    assert understood(nil).is_nil
    assert understood(promise).promised_on == date(2025, 6, 18)
    assert understood(contest).is_contest
    for mail in map(sent, (nil, promise, contest)):
        assert token_in_subject(mail.subject) == TOKEN
        assert token_in_address(mail.recipients[0], OURS) == TOKEN


def test_work_without_figures_is_not_answered_with_nil():
    assert [link.label for link in links(is_report=False)] == ["Hẹn nộp ngày 18/6/2025", "Không thuộc trách nhiệm"]


def test_without_a_token_nothing_is_offered():
    assert links(token="") == ()


@pytest.mark.parametrize(
    ("as_of", "day"),
    [
        ("2025-06-12 08:00", date(2025, 6, 18)),  # three working days after Saturday 14/6
        ("2025-06-19 08:00", date(2025, 6, 24)),
        ("2025-03-01 08:00", None),  # a promise reaches sixty days
    ],
)
def test_a_ready_promise_names_a_day_soon_after_the_deadline(as_of, day):
    assert promised_day(hanoi("2025-06-15 00:00"), hanoi(as_of), CALENDAR) == day
