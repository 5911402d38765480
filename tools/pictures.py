"""Take the pictures of the HTML report that the documentation shows.

    auditor scan -o html=report.html oci-dir:nginx
    python tools/pictures.py report.html docs/images

Needs the packages chromium and fonts-dejavu-core of Debian. A test takes them again and compares.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

_WIDTH, _HEIGHT = 1280, 1010


def take(report: Path, folder: Path) -> None:
    """Write ``report-nginx.png``, ``report-nginx-dark.png`` and ``report-nginx-graph.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto(report.resolve().as_uri())
        page.wait_for_selector("html[data-ready]")
        _save(page, folder / "report-nginx.png")
        page.emulate_media(color_scheme="dark")
        _save(page, folder / "report-nginx-dark.png")
        page.emulate_media(color_scheme="light")
        page.locator("#panel button", has_text="nginx").first.click()
        page.locator("#zoom-fit").click()
        page.locator("#graph").evaluate("element => element.scrollIntoView()")
        page.mouse.move(0, 0)
        _save(page, folder / "report-nginx-graph.png")
        browser.close()


def _save(page: Page, file: Path) -> None:
    page.wait_for_timeout(500)  # the graph is drawn frame by frame
    page.screenshot(path=file)
    with Image.open(file) as picture:
        small = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
    small.save(file, optimize=True)


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
