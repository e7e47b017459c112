"""The pages in a real browser: nothing is blocked, nothing overflows, keyboard and screen reader find everything, forms work.

They need Playwright and axe-core, which `make browser` installs, and the system's Chromium. SCREENSHOTS names a folder that keeps a
picture of each page.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn

from perennial.core.receipts import Pause
from perennial.stores.ledger import PostgresLedger
from perennial.web.app import create_app
from perennial.web.site import Site

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Playwright's own pipes
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Playwright and uvicorn
]

MODEL = "/models/bike_demand/all"
PAGES = {
    "fleet": "/",
    "model": MODEL,
    "nights": f"{MODEL}/nights",
    "night": f"{MODEL}/night",
    "drift": f"{MODEL}/drift",
    "versions": f"{MODEL}/versions",
    "version": f"{MODEL}/versions/bike_demand-all-version-0",
    "promotions": f"{MODEL}/promotions",
    "predictions": f"{MODEL}/predictions?entity=north",
    "api": "/api",
    "nothing": "/models/nothing/all",
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
}
PATIENCE_MS = 120_000


@contextmanager
def served(site: Site) -> Iterator[str]:
    """Serve a site, and yield where."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(site), log_level="error", lifespan="off"))
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        serving.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        serving.join(60)


@contextmanager
def looking(chromium: Any, address: str, look: str, *, script: bool = True) -> Iterator[Any]:
    """Open an empty page as somebody, with a look; what the browser complains about is in ``page.said``."""
    context = chromium.new_context(
        base_url=address, extra_http_headers={"x-person": "ana"}, java_script_enabled=script, **LOOKS[look]
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.said = []
    page.on("console", lambda message: page.said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    yield page
    context.close()


@pytest.fixture
def open_page(chromium: Any, told: PostgresLedger, site_of: Callable[[PostgresLedger], Site]) -> Iterator[Callable[..., Any]]:
    """Open a page of the story."""
    with ExitStack() as open_, served(site_of(told)) as address:

        def opened(path: str, look: str = "light", *, script: bool = True) -> Any:
            page = open_.enter_context(looking(chromium, address, look, script=script))
            page.goto(path)
            return page

        yield opened
        open_.close()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_shown_whole(open_page: Callable[..., Any], name: str, look: str) -> None:
    """The policy blocks nothing of ours, and nothing is wider than the window."""
    page = open_page(PAGES[name], look)
    missing = ["Failed to load resource: the server responded with a status of 404 (Not Found)"] if name == "nothing" else []
    assert page.said == missing
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.locator("h1").count() == 1
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}_{look}.png", full_page=True)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_serious_fault(open_page: Callable[..., Any], name: str, look: str) -> None:
    """Contrast, names, structure: what stands between a page and who cannot see it well."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed: make browser")
    found = axe.Axe().run(open_page(PAGES[name], look)).response["violations"]
    serious = [
        (one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found if one["impact"] in {"serious", "critical"}
    ]
    assert serious == []


def test_everything_is_reached_by_keyboard(open_page: Callable[..., Any]) -> None:
    """The first stop leads past the head; the search, the order of a column and a model follow."""
    page = open_page("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    stops = []
    for _ in range(30):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.innerText"))
    assert {"q", "show", "Champion", "bike_demand"} <= set(stops)


def test_the_figures_are_there_without_javascript(open_page: Callable[..., Any]) -> None:
    """Plots, tables, search and order."""
    page = open_page(MODEL, script=False)
    assert page.locator("svg.timeline path.loss").get_attribute("d")
    page.goto("/")
    page.fill("#q", "north")
    page.click("form.filter button")
    assert page.locator("tbody tr").count() == 1
    page.click("thead >> text=Drift")
    assert "order=drift" in page.url


def test_a_person_pauses_a_model_by_the_form(open_page: Callable[..., Any], told: PostgresLedger, bells: Any) -> None:
    """The browser says where the form comes from; the field for the reason is asked for; the ledger knows who."""
    page = open_page(MODEL)
    page.click("summary >> text=Pause or resume")
    page.click("button >> text=Pause")
    assert bells.asked == []  # the browser asks for the reason first
    page.fill("#why-pause", "the source moves")
    page.click("button >> text=Pause")
    page.wait_for_selector("text=are paused")
    assert [call[:3] for call in bells.asked] == [("pause", "score_bike_demand", True), ("pause", "retrain_bike_demand", True)]
    assert told.history(Pause, "bike_demand")[-1].actor == "ana"


def test_the_page_follows_the_switch_of_airflow(open_page: Callable[..., Any]) -> None:
    """Which keeps what was chosen in the browser."""
    page = open_page("/")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


@pytest.mark.parametrize("look", ["light", "phone"])
@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "x" * 900, "\u202eevil\u202c 😀 =1+1"])
def test_a_name_neither_runs_nor_breaks_a_page(
    chromium: Any,
    ledger: PostgresLedger,
    site_of: Callable[[PostgresLedger], Site],
    tell: Callable[[PostgresLedger, str], None],
    name: str,
    look: str,
) -> None:
    """However it is spelt, however long it is."""
    tell(ledger, name)
    with served(site_of(ledger)) as address, looking(chromium, address, look) as page:
        page.on("dialog", lambda dialog: page.said.append(dialog.message))
        for path in [*list(PAGES.values())[:-2], f"{MODEL}/predictions"]:
            page.goto(path.replace("north", quote(f"{name} 0") + "&from=2024-03-01"))
            assert page.said == []
            wide = page.evaluate("""[...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right >
              innerWidth && !one.closest(".scroll, .plot, .tabs")).map((one) => one.outerHTML.slice(0, 120))""")
            assert wide == [], path


def test_names_are_suggested(open_page: Callable[..., Any]) -> None:
    """Those of the newest night that begin so."""
    page = open_page(f"{MODEL}/predictions")
    page.fill("#entity", "so")
    page.wait_for_selector("#names option:only-child[value=south]", state="attached")
