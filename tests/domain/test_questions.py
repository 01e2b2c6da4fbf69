from datetime import date

import pytest

from models.domain.forms import finding
from models.domain.questions import answers_to, key_of, still_asked
from models.domain.replies import read_reply
from models.domain.vocabulary import FindingLevel
from tasks.adapters.mail_reading import reply_phrases
from tasks.adapters.texts import Texts

PHRASES = reply_phrases(Texts.load())
JUMP = finding("jump", level=FindingLevel.QUESTION, cell="E7", field="CT01", label="Văn bản", value="90", previous="3")
BLANK = finding("narrative_blank", level=FindingLevel.QUESTION, sheet="Phần viết", cell="C4", label="Kiến nghị")


def read(text):
    return read_reply(text, phrases=PHRASES, today=date(2025, 6, 20))


def test_a_question_answered_once_is_a_note_afterwards():
    asked = still_asked([JUMP, BLANK], {key_of(JUMP): "Ban hành theo Kế hoạch 72"})
    assert [(item.code, item.level) for item in asked] == [
        ("figure_explained", FindingLevel.NOTE),
        ("narrative_blank", FindingLevel.QUESTION),
    ]
    assert dict(asked[0].facts)["text"] == "Ban hành theo Kế hoạch 72"


def test_another_figure_in_the_same_field_is_asked_about_again():
    other = finding("jump", level=FindingLevel.QUESTION, field="CT01", label="Văn bản", value="120", previous="3")
    assert still_asked([other], {key_of(JUMP): "Ban hành theo Kế hoạch 72"}) == (other,)


def test_a_note_that_stood_beside_the_figure_answers_whatever_is_asked_about_it():
    by_note = {key_of(JUMP)._replace(code=""): "Tăng do sáp nhập"}
    assert [item.level for item in still_asked([JUMP], by_note)] == [FindingLevel.NOTE]


def test_a_fault_is_never_explained_away():
    fault = finding("negative", field="CT01", label="Văn bản", value="90")
    assert still_asked([fault], {key_of(fault): "Đúng như vậy"}) == (fault,)


def test_one_text_answers_every_question_and_numbers_answer_their_own():
    together = answers_to([JUMP, BLANK], [(0, "Số liệu đúng")])
    assert [(each.key.code, each.text) for each in together] == [
        ("jump", "Số liệu đúng"),
        ("narrative_blank", "Số liệu đúng"),
    ]
    assert [each.label for each in answers_to([JUMP, BLANK], [(2, "Không có kiến nghị")])] == ["Kiến nghị"]


def test_an_answer_to_a_question_that_was_not_put_is_left_to_a_person():
    assert answers_to([JUMP], [(3, "Số liệu đúng")]) == ()
    assert answers_to([], [(0, "Số liệu đúng")]) == ()


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("Giải trình: tăng do sáp nhập 4 xã", ((0, "Giải trình: tăng do sáp nhập 4 xã"),)),
        ("Kính gửi Ban Chỉ đạo\nLý do tăng: mở 12 lớp tập huấn mới.", ((0, "Lý do tăng: mở 12 lớp tập huấn mới."),)),
        ("Sở Y tế báo cáo: do nhận thêm nhiệm vụ", ((0, "Sở Y tế báo cáo: do nhận thêm nhiệm vụ"),)),
        ("1. Tăng do sáp nhập\nvà mở rộng địa bàn\n2) Không có kiến nghị", None),
        ("Nội dung 2: không có kiến nghị gì", ((2, "không có kiến nghị gì"),)),
    ],
)
def test_plain_words_explain(text, given):
    expected = given or ((1, "Tăng do sáp nhập và mở rộng địa bàn"), (2, "Không có kiến nghị"))
    assert read(text).given == expected


@pytest.mark.parametrize(
    "text",
    [
        "Cảm ơn Ban Chỉ đạo",
        "Đã nhận được thư",
        "Đơn vị sẽ giải trình sau",
        "Giải trình: số nào ạ?",
        "Giải trình",
        "Có phải giải trình bằng văn bản không?",
        "1. Tăng",
        "Ngày 20. 6 đơn vị gửi",
    ],
)
def test_what_explains_nothing_is_left_to_a_person(text):
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Không thuộc trách nhiệm của đơn vị. Lý do: đã bàn giao cho Sở Công Thương",
        "Sở Y tế cho rằng nội dung này không thuộc thẩm quyền của Sở",
        "Khong thuoc trach nhiem cua don vi",
    ],
)
def test_a_unit_may_say_that_the_duty_is_not_its_own(text):
    assert read(text).is_contest


@pytest.mark.parametrize(
    "text",
    ["Nếu không thuộc trách nhiệm thì trả lời thế nào", "Mục 3 không thuộc nhiệm vụ của Sở, các mục khác như biểu"],
)
def test_a_contest_of_a_part_or_on_a_condition_is_none(text):
    assert read(text) is None


def test_a_contest_that_promises_as_well_is_left_to_a_person():
    assert read("Không thuộc trách nhiệm của đơn vị\nHẹn nộp ngày 25/6/2025") is None
