"""Takes the pictures of README and guides from a real run: `python -m tests.pictures` on the home of a finished demo.

The home is copied and served, one round is run as on the morning after the close, and everything is looked at in
Chromium or through LibreOffice. The demo decides what each unit does, so the pictures differ from the last ones only
where the program does, and in Prefect's own times of day.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from deployments.postoffice import mails_for
from tasks.desk import DESK_KEY
from tasks.settings import PROJECT, Settings
from tests.run_forms import MILLISECONDS, QUIET, field
from tests.served import ServedOffice, serving

PICTURES = PROJECT / "docs" / "images"
NOW = "2025-07-09T09:00:00"
BOARD_AT = "2025-06-20T09:00"
CYCLE = "bc-6t-2025"
UNIT = "baocao.so-dan-toc-va-ton-giao@example.invalid"
RETURNED_TO = "baocao.buu-dien@example.invalid"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDE = {"width": 1280, "height": 860}
WIDER, TALL = {"width": 1600, "height": 900}, {"width": 1280, "height": 1100}
COLOURS = 96
VIETNAMESE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale"><value>vi-VN</value></prop></item>
</oor:items>
"""
"""LibreOffice's settings in an office here: 2.105 and 71,9%; the machine need not have that locale."""
TAKEN = (
    *(f"ui-{name}.png" for name in ("desk", "run", "deployments", "board", "form")),
    *("status-board.png", "can-cu.png", "letter-opening.png", "huong-dan-don-vi.png"),
    *("form.png", "returned.png", "aggregate.png", "report.png"),
)
"""One more, of the form of an inspection, is taken by its browser test."""


def main() -> int:
    """Take every picture, and say where they are."""
    home = Settings.load().home
    if not (home / "demo.done").exists():
        sys.stderr.write(f"no finished demo in {home}: run `dondoc demo --quick` first\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        shutil.copytree(home, scratch / "home")
        with serving(scratch, DONDOC_VIRTUAL_NOW=f"{NOW}+07:00") as (port, process):
            office = ServedOffice(home=scratch / "home", port=port, process=process)
            for deployment in office.deployments().values():  # nothing runs by the real clock meanwhile
                office.ask(f"/deployments/{deployment['id']}/pause_deployment", {})
            office.run("20 · BC 6T · mục III.1-c", obligation="O-20", as_of=NOW)
            with browser() as page:
                office.log_in(page)
                of_the_pages(office, page)
                of_the_board(home, scratch / "past", page)
                of_letters(home, page)
                of_the_card(page)
        of_files(scratch / "home", scratch)
    for path in sorted(PICTURES / name for name in TAKEN):
        _shrink(path)
        sys.stdout.write(f"{path.relative_to(PROJECT)}\n")
    return 0


@contextmanager
def browser() -> Iterator[Page]:
    """Yield a page of headless Chromium."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield chromium.new_page(viewport=WIDE, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh")
        chromium.close()


def of_the_pages(office: ServedOffice, page: Page) -> None:
    """Take the pictures of Prefect's pages: the day, the runs, the plan, a board, and a form that a link has filled."""
    at = f"http://127.0.0.1:{office.port}"
    _show(page, f"{at}/artifacts/key/{DESK_KEY}", "Việc cần người xử lý")
    page.screenshot(path=PICTURES / "ui-desk.png")
    (link,) = [each for each in page.get_by_role("link").all() if each.inner_text() == "Xử lý"]
    form = f"{at}{link.get_attribute('href')}"
    report = office.deployments()["20 · BC 6T · mục III.1-c"]["id"]
    _show(page, f"{at}/deployments/deployment/{report}", "BC 6T 2025 · ", TALL)
    page.screenshot(path=PICTURES / "ui-run.png")
    _show(page, f"{at}/deployments", "00 · Lịch năm", WIDER)
    page.screenshot(path=PICTURES / "ui-deployments.png")
    (board,) = office.ask("/artifacts/latest/filter", {"artifacts": {"key": {"any_": [f"bang-{CYCLE}"]}}})
    _show(page, f"{at}/artifacts/artifact/{board['latest_id']}", "76")
    page.screenshot(path=PICTURES / "ui-board.png")
    page.goto(form)
    field(page, "Lý do").wait_for(timeout=MILLISECONDS)
    page.wait_for_timeout(2_000)  # it fades in
    page.screenshot(path=PICTURES / "ui-form.png")


def of_the_board(home: Path, past: Path, page: Page) -> None:
    """Take the pictures of the static board on a day in the middle: its front page, and the ground of one verdict."""
    shutil.copytree(home, past)
    _do(sys.executable, "-m", "deployments.cli", "board", "--as-of", BOARD_AT, DONDOC_HOME=past)
    page.set_viewport_size({"width": 1024, "height": 1800})
    page.goto((past / "board" / "index.html").as_uri())
    page.screenshot(path=PICTURES / "status-board.png")
    page.goto((past / "board" / CYCLE / "so-dan-toc-va-ton-giao.html").as_uri())
    page.screenshot(path=PICTURES / "can-cu.png")


def of_letters(home: Path, page: Page) -> None:
    """Take the picture of the opening letter as a unit sees it."""
    page.set_viewport_size({"width": 720, "height": 400})
    page.set_content(_first(home, UNIT, "đề nghị gửi báo cáo trước").get_body(("html",)).get_content())
    page.screenshot(path=PICTURES / "letter-opening.png", full_page=True)


def of_the_card(page: Page) -> None:
    """Take the picture of the card for unit clerks."""
    page.set_viewport_size({"width": 760, "height": 400})
    page.goto((PROJECT / "docs" / "huong-dan-don-vi.html").as_uri())
    page.screenshot(path=PICTURES / "huong-dan-don-vi.png", full_page=True)


def of_files(home: Path, scratch: Path) -> None:
    """Take the pictures of the form, of one that was given back, of the aggregate and of the report."""
    results = max((home / "results" / CYCLE).glob("ban-*"))
    of_file(_attached(_first(home, UNIT, "đề nghị gửi báo cáo trước"), scratch / "bieu-mau.xlsx"), "form.png")
    of_file(_attached(_first(home, RETURNED_TO, "đề nghị sửa"), scratch / "tra-lai.xlsx"), "returned.png", n_pages=2)
    of_file(next(results.glob("*.xlsx")), "aggregate.png")
    of_file(next(results.glob("*.docx")), "report.png")


def of_file(path: Path, picture: str, *, n_pages: int = 1) -> None:
    """Take the picture of the first pages that LibreOffice prints of a file, one beneath the other."""
    profile = path.parent / "libreoffice"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(VIETNAMESE, "utf-8")
    _do(
        *("soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless"),
        *("--convert-to", "pdf", "--outdir", path.parent, path),
    )
    printed = path.with_suffix(".pdf")
    _do("pdftoppm", "-r", "110", "-f", "1", "-l", n_pages, "-png", printed, path.parent / path.stem)
    pages = [Image.open(each).convert("RGB") for each in sorted(path.parent.glob(f"{path.stem}-*.png"))]
    whole = Image.new("RGB", (pages[0].width, sum(page.height for page in pages)))
    for n, page in enumerate(pages):
        whole.paste(page, (0, n * page.height))
    whole.save(PICTURES / picture)


def _show(page: Page, address: str, text: str, size: ViewportSize = WIDE) -> None:
    page.set_viewport_size(size)
    page.goto(address)
    page.get_by_text(text).first.wait_for(timeout=MILLISECONDS)
    page.wait_for_timeout(2_000)  # what slides in has come to rest


def _first(home: Path, address: str, subject: str) -> EmailMessage:
    letters = [message_from_bytes(each, policy=policy.default) for each in mails_for(home / "office", address)]
    return next(each for each in letters if re.search(subject, each["Subject"]))


def _attached(letter: EmailMessage, path: Path) -> Path:
    (workbook,) = [part for part in letter.iter_attachments() if part.get_content_type() == WORKBOOK]
    path.write_bytes(workbook.get_payload(decode=True))
    return path


def _do(*command: object, **environment: object) -> None:
    variables = os.environ | {name: str(value) for name, value in environment.items()}
    subprocess.run(list(map(str, command)), check=True, capture_output=True, env=variables)


def _shrink(path: Path) -> None:
    """Leave the colours that a page has: a picture is a third of its size then."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
