"""An operator's act through Prefect's own API: the form refuses what it can, the run's first line says the rest."""

import pytest

from tests.served import waited_for

pytestmark = pytest.mark.xdist_group("served office")
EXTEND = "50 · Gia hạn"
GOOD = {
    "cycle": "bc-6t-2025 · Báo cáo 06 tháng năm 2025",
    "units": ["so-y-te · Sở Y tế"],
    "last_day": "2025-06-20",
    "reason": "Công văn số 12/SYT-VP",
    "operator": "Bàn trực tổng hợp",
}


@pytest.fixture(scope="module")
def opened(served, first_rounds):
    """The served office whose forms offer what its first round has opened."""

    def offered():
        return "enum" in fields(served)["cycle"] and GOOD["cycle"] in fields(served)["cycle"]["enum"]

    assert waited_for(offered, seconds=30), f"the form offers {fields(served)['cycle']}"
    return served


def fields(served):
    return served.deployments()[EXTEND]["parameter_openapi_schema"]["properties"]


def test_the_form_is_in_vietnamese_and_offers_the_units_by_name(opened):
    form = fields(opened)
    assert form["operator"]["title"] == "Người thực hiện"
    assert "so-y-te · Sở Y tế" in form["units"]["items"]["enum"]
    assert set(opened.deployments()[EXTEND]["parameter_openapi_schema"]["required"]) == set(GOOD)


@pytest.mark.parametrize(
    "wrong",
    [
        {"operator": ""},
        {"operator": "   "},
        {"reason": ""},
        {"units": []},
        {"units": ["xa-khong-co"]},
        {"cycle": "bc-6t-2031"},
    ],
)
def test_prefect_starts_no_run_of_a_form_that_is_not_filled(opened, wrong):
    assert "Validation failed" in opened.refusal(EXTEND, **(GOOD | wrong))


def test_a_day_that_is_past_fails_the_run_and_its_first_line_says_what_to_do(opened):
    ended = opened.run(EXTEND, **(GOOD | {"last_day": "2025-05-15"}))
    assert ended["state_type"] == "FAILED"
    assert "Ngày 15/5/2025 đã qua (hôm nay là 16/5/2025)." in ended["state"]["message"].splitlines()[0]


def test_a_good_extension_completes_and_is_written_into_the_book_of_acts(opened):
    ended = opened.run(EXTEND, **GOOD)
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]
    assert ended["name"].startswith("Gia hạn · Bàn trực tổng hợp")
    [book] = opened.ask("/artifacts/latest/filter", {"artifacts": {"key": {"any_": ["so-viec-lam-tay"]}}})
    assert "Công văn số 12/SYT-VP" in book["data"]
    assert "Sổ việc làm tay" in book["description"]
