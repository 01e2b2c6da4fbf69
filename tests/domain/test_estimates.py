import pytest

from models.domain.estimates import EstimateLine, GivenFigure, estimate_lines


def lines(*given, units=("a", "b"), fields=("CT01", "CT02")):
    return estimate_lines((GivenFigure(*figure) for figure in given), units=units, fields=fields)


def test_an_actual_figure_takes_the_place_of_the_last_estimate():
    told = lines(
        ("b", "CT01", 1, 100, True), ("b", "CT01", 2, 110, True), ("b", "CT01", 3, 90, False), ("a", "CT02", 1, 5, True)
    )
    assert told == (
        EstimateLine(unit_code="a", field="CT02", estimate=5, actual=None),
        EstimateLine(unit_code="b", field="CT01", estimate=110, actual=90),
    )
    assert (told[0].difference, told[1].difference) == (None, -20)


def test_what_never_was_an_estimate_or_is_blank_now_has_no_line():
    assert lines(("a", "CT01", 1, 5, False), ("a", "CT02", 1, 5, True), ("a", "CT02", 2, None, False)) == ()


@pytest.mark.parametrize(
    ("estimate", "actual", "is_big"),
    [(100, 120, False), (100, 121, True), (100, 79, True), (0, 1, True), (0, 0, False), (100, None, False)],
)
def test_more_than_a_fifth_off_is_a_big_miss(estimate, actual, is_big):
    assert EstimateLine(unit_code="a", field="CT01", estimate=estimate, actual=actual).is_big_miss is is_big
