"""The map as the panel opens it: in Chromium, from a file, with no network."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_geo_map import page as map_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("map") / "hotspot_map.html"
    path.write_text(map_page(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Opened:
    """An open page with all that it asked for and complained of."""

    def __init__(self, browser, file: Path, width: int, height: int) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.answers: list[str] = []
        self.failures: dict[str, str | None] = {}
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", lambda response: self.answers.append(response.url))
        self.page.on(
            "requestfailed",
            lambda request: self.failures.update({request.url: request.failure}),
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.errors.append(said.text) if said.type == "error" else None,
        )
        self.page.goto(file.as_uri())
        self.page.wait_for_selector(".leaflet-overlay-pane path")


@pytest.fixture
def opened(browser, file) -> Iterator[Opened]:
    it = Opened(browser, file, 1280, 800)
    yield it
    it.page.close()


def test_it_asks_for_nothing_but_itself_and_throws_no_error(opened, file) -> None:
    boxes = opened.page.locator("#layers input")
    for number in range(boxes.count()):
        boxes.nth(number).click()
    opened.page.locator("button[data-hotspot]").first.click()
    opened.page.mouse.wheel(0, -400)
    opened.page.wait_for_timeout(300)
    assert opened.requests == [file.as_uri()]
    assert opened.errors == []


def test_every_layer_has_a_legend_and_can_be_switched(opened) -> None:
    labels = opened.page.locator("#layers label")
    assert labels.count() == 9
    for number in range(labels.count()):
        assert labels.nth(number).locator(".key i").count() >= 1
    drawn = opened.page.locator(".leaflet-overlay-pane path")
    before = drawn.count()
    opened.page.get_by_label("Schools").check()
    assert drawn.count() == before + 1
    opened.page.get_by_label("Schools").uncheck()
    assert drawn.count() == before


def test_a_hotspot_is_reached_and_read_by_keyboard(opened) -> None:
    card = opened.page.locator("button[data-hotspot=H1]")
    card.focus()
    opened.page.keyboard.press("Enter")
    popup = opened.page.locator(".leaflet-popup-content")
    popup.wait_for()
    assert "H1" in popup.inner_text()
    assert "children's homes" in popup.inner_text()


def test_an_agency_s_markup_is_shown_as_text(opened) -> None:
    assert opened.page.locator(".label-ward", has_text="<script>alert").count() == 1


def test_an_injected_image_or_script_is_not_fetched(opened, file) -> None:
    opened.page.evaluate(
        """() => {
          const image = new Image(); image.src = "https://example.org/a.png";
          const script = document.createElement("script"); script.src = "https://example.org/a.js";
          document.body.append(image, script);
        }"""
    )
    opened.page.wait_for_timeout(300)
    refused = [error for error in opened.errors if "Content Security Policy" in error]
    assert len(refused) == 2
    assert set(opened.failures.values()) <= {"csp"}
    assert opened.answers == [file.as_uri()]


def test_on_a_phone_nothing_is_wider_than_the_screen(browser, file) -> None:
    phone = Opened(browser, file, 390, 844)
    assert phone.page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert phone.page.locator(".folium-map").bounding_box()["height"] > 300
    phone.page.close()
