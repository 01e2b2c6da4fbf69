from hypothesis import given
from hypothesis import strategies as st

from models.domain.tokens import is_own_address, reply_address, subject_tag, token_in_address, token_in_subject

OURS = "baocao@dondoc.example.invalid"
tokens = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16)


@given(tokens)
def test_a_reply_brings_the_token_back_in_subject_and_address(token):
    assert token_in_subject(f"Trả lời: RE: [BC 6T 2025] Sở Y tế {subject_tag(token)}") == token
    assert token_in_address(reply_address(OURS, token).upper(), OURS) == token


def test_a_tag_that_a_mail_program_broke_over_two_lines_is_still_read():
    assert token_in_subject("Re: báo cáo [#abcdefgh\r\n 234567ab]") == "abcdefgh234567ab"


def test_a_token_of_another_length_or_alphabet_is_none_of_ours():
    assert token_in_subject("[#abc]") is None
    assert token_in_subject("[#abcdefgh23456719]") is None
    assert token_in_address("baocao+abc@dondoc.example.invalid", OURS) is None


def test_a_plus_address_of_another_domain_is_not_ours():
    assert token_in_address("baocao+abcdefgh234567ab@elsewhere.example.invalid", OURS) is None
    assert not is_own_address("baocao@elsewhere.example.invalid", OURS)


def test_our_own_address_is_known_with_and_without_a_plus_part():
    assert is_own_address(" Baocao+abcdefgh234567ab@Dondoc.example.invalid", OURS)
    assert is_own_address(OURS, OURS)
