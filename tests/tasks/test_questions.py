"""A question about a figure is answered by a note beside it or by a reply, and then stays answered."""

from models.domain.vocabulary import EditionKind
from tasks.board import board_of
from tasks.compile import compile_cycle
from tasks.publish import board_rows
from tests.tasks.answering import newest, plain, send_form, send_words

UNIT, OTHER = "so-y-te", "so-noi-vu"
WITH_NOTE = {("CT20", "note"): "Được bổ sung giữa kỳ"}
SPENT_MORE = {"CT19": 100_000_000, "CT20": 150_000_000}
"""More was spent than was given: a question, no fault."""


def questions_on_board(office, unit, instant):
    with office.at(instant) as runtime:
        board = board_of(runtime, "bc-6t-2025", runtime.clock.now())
        line = next(line for line in board.lines if line.unit_code == unit)
        row = next(row for row in board_rows(runtime, board) if row["Đơn vị"] == line.unit_name)
        return (line.n_open_questions, line.n_explained), row["Giải trình"]


def test_a_question_is_answered_once_by_a_reply_or_a_note_and_not_put_again_about_the_same_figure(opened_office):
    office = opened_office
    send_form(office, UNIT, "2025-06-03 09:00", cells=SPENT_MORE)
    send_form(office, OTHER, "2025-06-03 09:00", cells=SPENT_MORE | WITH_NOTE)
    assert office.poll("2025-06-03 09:05")["accepted"] == 2
    assert "đề nghị giải trình 1 nội dung" in newest(office, UNIT)["Subject"]
    assert "giải trình" not in newest(office, OTHER)["Subject"]
    assert questions_on_board(office, UNIT, "2025-06-03 10:00") == ((1, 0), "1 nội dung chờ giải trình")

    send_words(office, UNIT, "2025-06-03 14:00", "Giải trình: được bổ sung kinh phí theo Quyết định 45")
    send_words(office, OTHER, "2025-06-03 14:00", "Cảm ơn Ban Chỉ đạo.")
    counts = office.poll("2025-06-03 14:05")
    assert (counts["accepted"], counts["quarantined"]) == (1, 1)
    assert "đã ghi nhận giải trình 1 nội dung" in newest(office, UNIT)["Subject"]
    assert questions_on_board(office, UNIT, "2025-06-03 15:00") == ((0, 1), "1 nội dung đã giải trình")
    assert questions_on_board(office, UNIT, "2025-06-03 10:00")[0] == (1, 0)

    for unit in (UNIT, OTHER):
        send_form(office, unit, "2025-06-04 09:00", cells=SPENT_MORE | {"CT01": 7})
    office.poll("2025-06-04 09:05")
    assert "giải trình" not in newest(office, UNIT)["Subject"] + newest(office, OTHER)["Subject"]
    assert "đã được giải trình: “Giải trình: được bổ sung kinh phí theo Quyết định 45”" in plain(newest(office, UNIT))
    assert "Được bổ sung giữa kỳ" in plain(newest(office, OTHER))

    send_form(office, UNIT, "2025-06-05 09:00", cells=SPENT_MORE | {"CT20": 170_000_000})
    office.poll("2025-06-05 09:05")
    assert "đề nghị giải trình 1 nội dung" in newest(office, UNIT)["Subject"]


def test_an_explanation_after_an_edition_gives_the_next_one(opened_office):
    office = opened_office
    send_form(office, UNIT, "2025-06-03 09:00", cells=SPENT_MORE)
    office.poll("2025-06-03 09:05")
    assert [compiled(office, instant) for instant in ("2025-06-03 10:00", "2025-06-03 11:00")] == [
        (1, True),
        (1, False),
    ]
    send_words(office, UNIT, "2025-06-03 14:00", "Giải trình: được bổ sung kinh phí theo Quyết định 45")
    office.poll("2025-06-03 14:05")
    assert [compiled(office, instant) for instant in ("2025-06-03 15:00", "2025-06-03 16:00")] == [
        (2, True),
        (2, False),
    ]


def compiled(office, instant):
    with office.at(instant) as runtime:
        made = compile_cycle(runtime, "bc-6t-2025", runtime.clock.now(), EditionKind.PROVISIONAL)
        return made.edition.number, made.is_new
