"""Prefect's pages as an operator's browser shows them, with nothing fetched from outside."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

pytestmark = [
    pytest.mark.xdist_group("served office"),
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (Debian: chromium)"),
]
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def test_the_list_of_deployments_reads_as_the_plan_and_calls_nobody_outside(served):
    outside = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = browser.new_page()
        page.on("request", lambda request: outside.append(request.url) if "127.0.0.1" not in request.url else None)
        page.goto(f"http://127.0.0.1:{served.port}/deployments")
        for name in ("00 · Hộp thư báo cáo", "20 · BC 6T · mục III.1-c", "21 · BC năm · mục III.1-d"):
            page.get_by_text(name).first.wait_for(timeout=20_000)
        browser.close()
    assert [url for url in outside if not url.startswith("data:")] == []
