"""What strangers write and mail servers answer stands on the operator's page as text: no link, picture or script."""

import re

from models.db.records import letters
from models.db.tables import LetterRow
from models.domain.vocabulary import LetterKind, LetterState
from tasks.desk import desk_page
from tests.builders import hanoi
from tests.tasks.conftest import address_of

PICTURE = "![x](http://evil.example.invalid/a.png)"
SCRIPT = "<script>alert(1)</script><img src=http://evil.example.invalid onerror=x>"
NOW = "2025-06-12 09:00"


def test_no_word_of_a_stranger_or_a_server_becomes_markup_on_the_page_of_the_day(opened_office):
    (asked,) = opened_office.letters_to(address_of("so-y-te"))
    mail = (
        f"From: <ke-la!*`_|x@evil.example.invalid>\r\nTo: {opened_office.mail.account.address}\r\n"
        f"Subject: {PICTURE}\r\nMessage-ID: <x@evil.invalid>\r\nIn-Reply-To: {asked['Message-ID']}\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: application/pdf; name="../../{PICTURE}<b>.pdf"\r\n\r\n%PDF-1.4 {SCRIPT}\r\n'
    )
    with opened_office.at(NOW):
        opened_office.mail.put_in_mailbox(mail.encode(), hanoi(NOW))
    counts = opened_office.poll(NOW)
    assert counts["quarantined"] == 1, counts
    with opened_office.at(NOW) as runtime:
        with runtime.sessions.begin() as session:
            for n, state in enumerate((LetterState.FAILED, LetterState.UNKNOWN)):
                refused = LetterRow(
                    key=f"x{n}",
                    message_id=f"<{n}@x>",
                    kind=LetterKind.CHASE,
                    recipient="a@b.invalid",
                    day=hanoi(NOW).date(),
                    state=state,
                    queued_at=hanoi(NOW),
                    subject=PICTURE,
                    detail=f"550 {SCRIPT}\n\n# {PICTURE}",
                )
                letters.queue_letter(session, refused)
        page = desk_page(runtime, hanoi(NOW), {})
    assert page.count("evil.example.invalid") >= 2, "the operator still reads what was written"
    assert not re.search(r"(?<!\\)<(script|img|b)\b", page)
    assert not re.search(r"(?<!\\)!\[", page)
    assert not re.search(r"(?<!\\)\]\(http://evil", page)
