from datetime import date

import pytest

from models.domain.replies import read_reply
from tasks.adapters.mail_reading import reply_phrases
from tasks.adapters.texts import Texts

TODAY = date(2025, 6, 12)


@pytest.fixture(scope="module")
def phrases():
    return reply_phrases(Texts.load())


@pytest.mark.parametrize(
    "text",
    [
        "Không phát sinh",
        "không phát sinh.",
        "KHÔNG PHÁT SINH SỐ LIỆU TRONG KỲ BÁO CÁO!",
        "Kính gửi Ban Chỉ đạo,\n\nBáo cáo không phát sinh số liệu.\nTrân trọng.",
        "Sở Y tế báo cáo: không phát sinh số liệu",
        "Khong phat sinh",
        "Không phát sinh\n\n--\nVăn phòng Sở Y tế, điện thoại 0204 000 000",
    ],
)
def test_one_line_settles_a_nil_report(text, phrases):
    reply = read_reply(text, phrases=phrases, today=TODAY)
    assert reply is not None
    assert reply.is_nil
    assert reply.promised_on is None


@pytest.mark.parametrize(
    "text",
    [
        "Mục 3 không phát sinh số liệu, các mục khác theo biểu kèm theo",
        "Mục 3 không phát sinh",
        "Đơn vị không phát sinh kinh phí, gửi biểu kèm theo.",
        "Nếu không phát sinh thì có phải báo cáo không?",
        "Gửi báo cáo kèm theo",
        "",
    ],
)
def test_a_sentence_that_says_more_than_nil_is_left_to_a_person(text, phrases):
    assert read_reply(text, phrases=phrases, today=TODAY) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Hẹn nộp ngày 20/6/2025", date(2025, 6, 20)),
        ("Hẹn nộp: 20-06-2025.", date(2025, 6, 20)),
        ("Xin nộp chậm đến 20/6 vì đang rà soát số liệu", date(2025, 6, 20)),
        ("Kính gửi Ban Chỉ đạo\nĐơn vị xin hẹn ngày 20 tháng 6 năm 2025 do thay đổi cán bộ", date(2025, 6, 20)),
        ("Đơn vị sẽ nộp vào ngày 12/6.", TODAY),
        ("Xin nộp chậm đến 20.6.2025", date(2025, 6, 20)),
    ],
)
def test_a_promise_has_one_date(text, day, phrases):
    reply = read_reply(text, phrases=phrases, today=TODAY)
    assert reply is not None
    assert reply.promised_on == day
    assert not reply.is_nil


def test_a_date_without_year_after_new_year_is_next_years(phrases):
    reply = read_reply("Hẹn nộp ngày 05/01", phrases=phrases, today=date(2025, 12, 29))
    assert reply is not None
    assert reply.promised_on == date(2026, 1, 5)


@pytest.mark.parametrize(
    "text",
    [
        "Hẹn nộp ngày 20/6 hoặc 25/6",
        "Hẹn nộp ngày 31/6/2025",
        "Hẹn nộp ngày 01/6/2025",
        "Hẹn nộp ngày 01/6",
        "Hẹn nộp ngày 20/6/2099",
        "Không thể hẹn nộp ngày 20/6",
        "Hẹn nộp ngày 20/6 có được không?",
        "Hẹn nộp sớm",
        "Báo cáo số 20/6 gửi kèm",
        "Không phát sinh\nHẹn nộp ngày 20/6",
    ],
)
def test_a_promise_that_could_mean_two_things_is_left_to_a_person(text, phrases):
    assert read_reply(text, phrases=phrases, today=TODAY) is None


def test_only_the_first_lines_count(phrases):
    text = "Gửi biểu.\nMột.\nHai.\nBa.\nKhông phát sinh"
    assert read_reply(text, phrases=phrases, today=TODAY) is None
