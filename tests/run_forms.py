"""Fills in the forms of Prefect's pages as a person does: by the Vietnamese titles of their fields."""

import re

from playwright.sync_api import Page

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
MILLISECONDS = 90_000


def field(page: Page, title: str):
    """Return the field of the form that bears the title."""
    label = page.locator(".schema-form-property__label", has_text=re.compile(rf"^{title}( \(Optional\))?\s*$"))
    return page.locator(".schema-form-property").filter(has=label).first


def write(page: Page, title: str, text: str) -> None:
    field(page, title).locator("textarea").first.fill(text)


def write_list(page: Page, title: str, texts: list[str]) -> None:
    for n, text in enumerate(texts):
        field(page, title).get_by_text("Add item").click()
        field(page, title).locator("textarea").nth(n).fill(text)


def pick_day(page: Page, title: str, day: str) -> None:
    field(page, title).get_by_text("Select date").click()
    page.locator(".p-date-picker input[type=date]").fill(day)
    page.locator(".p-date-picker").get_by_text("Apply").click()


def pick(page: Page, title: str, choice: str) -> None:
    """Choose from a short list that closes by itself."""
    _open_list(page, title)
    page.get_by_role("option", name=choice).click()


def pick_several(page: Page, title: str, choices: list[str]) -> None:
    """Choose from a long list: each is searched for, for only what is seen is there."""
    _open_list(page, title)
    for choice in choices:
        page.get_by_role("combobox").last.fill(choice)
        page.get_by_role("option", name=choice).click()
    page.get_by_role("heading", name="Parameters").click()


def _open_list(page: Page, title: str) -> None:
    field(page, title).locator(".p-select-button__control").focus()
    page.keyboard.press("Space")
    page.get_by_role("option").first.wait_for(timeout=MILLISECONDS)
