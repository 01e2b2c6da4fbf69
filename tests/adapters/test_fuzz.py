"""Whatever is done to the bytes of a good form or mail, it comes back as a result, and never as an error.

`make fuzz` does the same for longer.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.domain.forms import RawForm
from tasks.adapters.mail_reading import MailReader
from tasks.adapters.texts import vietnamese
from tasks.adapters.unpacking import unpack
from tasks.adapters.workbooks.pool import GuardedReader
from tasks.ports import Brought, Unpacked
from tasks.settings import LimitSettings
from tests.adapters.test_form_reading import by_openpyxl, by_xlsxwriter
from tests.adapters.test_mail_reading import a_bounce, a_file, with_part

LIMITS = LimitSettings(workers=1)
READER = MailReader(vietnamese(), LIMITS)
N_TRIES = int(os.environ.get("DONDOC_FUZZ_TRIES", "60"))
FORMS = [by_openpyxl(), by_xlsxwriter()]
ATTACHED = with_part(a_file('Content-Disposition: attachment; filename="a.xlsx"', content=FORMS[0]))
MAILS = [
    ATTACHED,
    a_bounce("5.1.1", "failed"),
    ATTACHED.replace(b"\r\n", b"\r"),
    b"Content-Type: message/rfc822\r\n\r\n" + ATTACHED,
]


@st.composite
def mutated(draw, originals):
    """Return one of the originals with pieces overwritten, cut out, doubled or put elsewhere."""
    content = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 6))):
        at, length = draw(st.integers(0, len(content))), draw(st.integers(0, 200))
        piece = draw(st.one_of(st.binary(max_size=40), st.sampled_from(SPICES), st.just(content[at : at + length] * 2)))
        content = content[:at] + piece + content[at + draw(st.sampled_from([0, len(piece), length])) :]
    return content


SPICES = [
    b"\r\n\r\n",
    b"--x--",
    b"boundary=",
    b"=?utf-8?B?",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"<!DOCTYPE",
    b"\xff\xff\xff\xff",
    b"<",
    b"filename*0*=",
]
often = settings(max_examples=N_TRIES, deadline=None, suppress_health_check=list(HealthCheck))


@often
@given(mutated(FORMS))
def test_a_mutated_form_gives_cells_or_findings(content):
    (form,) = unpack(Brought(content=content, is_mail=False, file_name="a.xlsx"), READER, LIMITS).forms or (None,)
    assert form is None or isinstance(form.form, RawForm) or form.findings


@often
@given(mutated(MAILS))
def test_a_mutated_mail_gives_a_result(content):
    assert isinstance(unpack(Brought(content=content, is_mail=True), READER, LIMITS), Unpacked)


@pytest.fixture(scope="module")
def workers():
    reader = GuardedReader(LIMITS)
    yield reader
    reader.close()


@settings(max_examples=max(10, N_TRIES // 10), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.booleans(), mutated([*FORMS, *MAILS])), min_size=1, max_size=30))
def test_a_turn_of_mutated_arrivals_has_as_many_results_as_arrivals(workers, given_ones):
    arrivals = [Brought(content=content, is_mail=is_mail, file_name="a.xlsx") for is_mail, content in given_ones]
    assert len(workers.unpack(arrivals)) == len(arrivals)
