"""The report in Chromium: opens without a request or an error, with its pictures drawn."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))

import profile_fixture as fixture

from profile_pipeline.sharing.disclosure import safe_tables
from profile_pipeline.sharing.editions import describe
from reports.build import build_report
from reports.context import ReportContext

CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_report_opens_alone(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    settings = fixture.settings()
    edition = settings.editions.sub_group
    safe = safe_tables(fixture.profile_tables(), edition)
    made = build_report(
        ReportContext(settings, safe, fixture.deliveries(), "sub-group", describe(edition))
    )
    path = tmp_path / "problem_profile.html"
    path.write_bytes(made["problem_profile.html"])
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        requests, faults = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda message: faults.append(message.text))
        page.on("dialog", lambda dialog: faults.append("dialog"))
        page.goto(path.as_uri())
        drawn = page.evaluate(
            "[...document.images].map(i => [i.complete && i.naturalWidth > 0, !!i.alt || "
            "!!i.getAttribute('aria-label')])"
        )
        browser.close()
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    assert faults == []
    assert len(drawn) == 5
    assert all(loaded and described for loaded, described in drawn)
