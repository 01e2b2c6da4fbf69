import unicodedata

import pytest

from models.domain.secrecy import marking_in_lines, marking_in_title
from tasks.adapters.mail_reading import secrecy_words
from tasks.adapters.texts import Texts

WORDS = secrecy_words(Texts.load())


@pytest.mark.parametrize(
    ("title", "marking"),
    [
        ("[MẬT] Báo cáo 6 tháng", "Mật"),
        ("Báo cáo 6 tháng (Tối mật)", "Tối mật"),
        ("TUYỆT MẬT: kế hoạch", "Tuyệt mật"),
        ("Độ mật: Mật. Báo cáo 6 tháng", "Mật"),
        ("Độ mật: Mật - Báo cáo", "Mật"),
        ("Re: Mật", "Mật"),
        ("TOI MAT_bao cao.pdf", "toi mat"),
        (unicodedata.normalize("NFD", "Báo cáo (Mật)"), "Mật"),
    ],
)
def test_a_marking_in_a_title_stands_for_itself(title, marking):
    assert marking_in_title(title, WORDS) == marking


@pytest.mark.parametrize(
    "title",
    [
        "Báo cáo công tác bảo mật",
        "Bảo mật: hướng dẫn",
        "Mật khẩu của tệp",
        "Đổi mật khẩu - Sở Y tế",
        "Mật độ dân cư (xã Tân Mật)",
        "V/v bảo vệ bí mật nhà nước",
        "Bí mật, bảo mật, an ninh mạng",
        "Mật ong Bắc Giang",
        "Thư mất: đề nghị gửi lại",
        "",
    ],
)
def test_words_that_hold_the_syllable_are_no_marking_in_a_title(title):
    assert marking_in_title(title, WORDS) == ""


@pytest.mark.parametrize(
    ("lines", "marking"),
    [
        (["UBND TỈNH", "MẬT", "Số: 12/BC"], "Mật"),
        (["SỞ Y TẾ", "[TỐI MẬT]"], "Tối mật"),
        (["Độ mật: Tuyệt mật"], "Tuyệt mật"),
        (["SỞ Y TẾ        MẬT        CỘNG HÒA"], "Mật"),
        (["Mức độ mật: mật"], "Mật"),
    ],
)
def test_a_line_of_classification_is_known(lines, marking):
    assert marking_in_lines(lines, WORDS) == marking


@pytest.mark.parametrize(
    "line",
    ["Mật", "BẢO MẬT", "BÍ MẬT NHÀ NƯỚC", "Mật khẩu: 12345", "MẬT ĐỘ", "Độ mật:", "Độ mật: không", "ĐỘ MẬT", "", "   "],
)
def test_other_lines_are_none(line):
    assert marking_in_lines([line], WORDS) == ""


def test_only_the_head_of_a_text_is_looked_at():
    assert marking_in_lines([*["Kết quả"] * 60, "MẬT"], WORDS) == ""
