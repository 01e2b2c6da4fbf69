"""An arrival with several forms is divided: each document goes with the form that it is plainly of, or with none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.domain.parts import FormPiece, Piece, divide, outcome_of_whole
from models.domain.vocabulary import Outcome

HALF = FormPiece(piece=Piece(name="bieu-6t.xlsx"), names=("so-y-te", "Sở Y tế", "bc-6t-2025"))
YEAR = FormPiece(piece=Piece(name="bieu-nam.xlsx"), names=("so-y-te", "Sở Y tế", "bc-nam-2025"))
TAX = FormPiece(piece=Piece(name="bieu.xlsx"), names=("so-thue", "Thuế tỉnh", "bc-6t-2025"))


def lying(form, *place):
    return FormPiece(piece=Piece(name=form.piece.name, place=place), names=form.names)


@pytest.mark.parametrize(
    ("name", "forms", "owner"),
    [
        ("bieu-6t.pdf", (HALF, YEAR), 0),
        ("Ký số - BIEU_NAM.pdf", (HALF, YEAR), 1),
        ("BC nam 2025 so y te.pdf", (HALF, YEAR), 1),
        ("Báo cáo Sở Y tế.pdf", (HALF, TAX), 0),
        ("Báo cáo Thuế tỉnh.pdf", (HALF, TAX), 1),
        ("Báo cáo Sở Y tế.pdf", (HALF, YEAR), None),
        ("scan001.pdf", (HALF, TAX), None),
        ("Sở Y tế, Thuế tỉnh.pdf", (HALF, TAX), None),
        ("", (HALF, TAX), None),
    ],
)
def test_a_document_is_told_by_its_name_when_it_names_one_form_only(name, forms, owner):
    division = divide([Piece(name=name)], forms)
    assert [n for n, theirs in enumerate(division.by_form) if theirs] == ([] if owner is None else [owner])
    assert division.untold == ((0,) if owner is None else ())


def test_a_document_belongs_to_the_form_of_its_own_mail_or_folder_whatever_its_name():
    forms = (lying(HALF, "mail 1"), lying(TAX, "all.zip", "thue"))
    documents = [
        Piece(name="thue tinh.pdf", place=("mail 1",)),
        Piece(name="a.pdf", place=("all.zip", "thue", "ky")),
        Piece(name="a.pdf", place=("all.zip",)),
        Piece(name="a.pdf"),
    ]
    assert divide(documents, forms).by_form == ((0,), (1, 2))
    assert divide(documents, forms).untold == (3,)


@pytest.mark.parametrize("forms", [(HALF, YEAR), (HALF, TAX), (HALF, FormPiece(piece=Piece(name="x.xlsx")))])
@pytest.mark.parametrize("n_documents", [1, 2, 3])
def test_documents_that_nothing_tells_apart_settle_nothing_however_many_there_are(forms, n_documents):
    division = divide([Piece(name=f"scan{n}.pdf") for n in range(n_documents)], forms)
    assert (division.by_form, division.untold) == (((), ()), tuple(range(n_documents)))


names = st.sampled_from(["a.pdf", "bieu-6t.pdf", "bieu.pdf", "Sở Y tế.pdf", "thue tinh 6t.pdf", "", "bc-6t-2025.pdf"])
places = st.lists(st.sampled_from(["mail 1", "mail 2", "x.zip", "thue"]), max_size=3).map(tuple)


@given(
    documents=st.lists(st.builds(Piece, name=names, place=places), max_size=6),
    forms=st.lists(
        st.builds(lying, st.sampled_from([HALF, YEAR, TAX])) | st.builds(lying, st.just(TAX), st.just("mail 1")),
        min_size=1,
        max_size=4,
    ),
)
def test_no_document_is_lost_and_none_counts_twice(documents, forms):
    division = divide(documents, forms)
    placed = sorted([n for theirs in division.by_form for n in theirs] + list(division.untold))
    assert placed == list(range(len(documents)))
    assert len(division.by_form) == len(forms)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({Outcome.ACCEPTED}, Outcome.ACCEPTED),
        ({Outcome.ACCEPTED, Outcome.RETURNED}, Outcome.RETURNED),
        ({Outcome.ACCEPTED, Outcome.RETURNED, Outcome.QUARANTINED}, Outcome.QUARANTINED),
        ({Outcome.IGNORED, Outcome.ACCEPTED}, Outcome.ACCEPTED),
    ],
)
def test_an_arrival_is_filed_under_what_most_needs_work(outcomes, expected):
    assert outcome_of_whole(outcomes) is expected
