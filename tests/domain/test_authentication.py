import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.authentication import failed_check

OURS = "mx.bacgiang.example"


def ours(results):
    return f"{OURS}; {results}"


@pytest.mark.parametrize(
    ("header", "method"),
    [
        (ours("dmarc=fail (p=reject) header.from=so-y-te.example; spf=pass; dkim=pass"), "dmarc"),
        (ours("dmarc=pass header.from=so-y-te.example; spf=fail; dkim=fail"), ""),
        (ours("spf=fail smtp.mailfrom=so-y-te.example"), "spf"),
        (ours("spf=fail; dkim=pass header.d=so-y-te.example"), ""),
        (ours("spf=softfail; dkim=none"), ""),
        (ours("dkim=fail (bad signature; spf=pass) header.d=so-y-te.example"), "dkim"),
        (ours('dkim=fail reason="x; dmarc=pass" header.d=so-y-te.example'), "dkim"),
        (ours("dkim=fail; dkim=pass"), ""),
        (ours("none"), ""),
        (f"{OURS.upper()} 1; DMARC = FAIL", "dmarc"),
        ("(a comment) " + ours("dmarc/1=fail"), "dmarc"),
        ("", ""),
        (OURS, ""),
    ],
)
def test_the_findings_of_our_own_server_are_read(header, method):
    assert failed_check([header], OURS) == method


def test_what_the_sender_brought_is_not_believed_whatever_name_it_bears():
    forged = ours("dmarc=pass; spf=pass")
    assert failed_check([ours("dmarc=fail"), forged], OURS) == "dmarc"
    assert failed_check(["mx.elsewhere.example; dmarc=pass", ours("dmarc=fail")], OURS) == "dmarc"
    assert failed_check([f"{OURS}.evil.example; dmarc=pass", ours("dmarc=fail")], OURS) == "dmarc"


def test_without_a_trusted_server_nothing_fails():
    assert failed_check([ours("dmarc=fail")], "") == ""
    assert failed_check(["mx.elsewhere.example; dmarc=fail"], OURS) == ""


@given(st.text(max_size=300))
def test_no_header_breaks_the_reading(header):
    assert failed_check([header, ours(header)], OURS) in {"", "dmarc", "spf", "dkim"}
