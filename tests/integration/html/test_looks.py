"""What the HTML report looks like: colours, widths, paper, to assistive technology."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "docs" / "images"


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_light_and_dark_follow_the_system_and_the_button(visit, nginx):
    light, dark = visit(nginx), visit(nginx, scheme="dark")
    paper = background(light)
    assert paper != background(dark)
    light.locator("#theme").click()
    assert background(light) == background(dark)
    ink = "auditorGraph.nodes().first().style('color')"
    assert light.evaluate(ink) == dark.evaluate(ink)
    dark.locator("#theme").click()
    assert background(dark) == paper


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_serious(visit, nginx, axe, scheme, width):
    page = visit(nginx, width=width, scheme=scheme)
    page.evaluate(axe)
    page.locator(".pick").first.click()
    for opened in ("section > details", ".way > details", ".finding:first-child > details"):
        page.evaluate(f"document.querySelectorAll('{opened}').forEach(it => it.open = true)")
    result = page.evaluate("axe.run()")
    assert len(result["passes"]) > 20
    grave = [
        (item["id"], [node["html"] for node in item["nodes"]][:3])
        for item in result["violations"]
        if item["impact"] in {"serious", "critical"}
    ]
    assert grave == []


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("name", ["nginx", "large"])
def test_a_phone_shows_everything_without_scrolling_sideways(visit, request, name, width):
    page = visit(request.getfixturevalue(name), width=width, height=800)
    page.locator(".pick").first.click()
    page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for verdict in page.locator("table.targets .verdict").all():
        box = verdict.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width


def test_paper_is_white_and_holds_the_graph_and_no_controls(visit, nginx):
    page = visit(nginx, scheme="dark")
    page.locator("#theme").click()
    page.locator("#theme").click()  # dark by choice
    page.evaluate(
        """() => addEventListener("beforeprint", () => {
          document.title = document.getElementById("graph-print").src;
        })"""
    )
    document = page.pdf(format="A4", print_background=True)
    assert page.title().startswith("data:image/png;base64,")
    assert len(page.title()) > 20_000
    assert document.startswith(b"%PDF")
    assert b"/Subtype /Image" in document
    page.emulate_media(media="print")
    assert background(page) == "rgb(255, 255, 255)"
    for control in ("#theme", ".tools", ".stage", ".tabs", ".top nav"):
        assert not page.locator(control).is_visible()
    assert page.locator(".way:visible").count() == 1


def unlike(one, other):
    """The mean difference of two pictures' grey, of 255, after what fonts and versions change."""
    small = []
    for file in (one, other):
        with Image.open(file) as picture:
            grey = picture.convert("L").filter(ImageFilter.GaussianBlur(8))
            small.append(grey.resize((160, 126)))
    return ImageStat.Stat(ImageChops.difference(*small)).mean[0]


def test_the_pictures_in_the_documentation_are_what_the_page_looks_like(browser, nginx, tmp_path):
    command = [sys.executable, ROOT / "tools" / "pictures.py", nginx, tmp_path]
    subprocess.run(command, check=True)
    for name in ("report-nginx", "report-nginx-dark", "report-nginx-graph"):
        there, now = PICTURES / f"{name}.png", tmp_path / f"{name}.png"
        with Image.open(there) as one, Image.open(now) as other:
            assert one.size == other.size
        assert unlike(there, now) < 6, name
    assert unlike(PICTURES / "report-nginx.png", tmp_path / "report-nginx-graph.png") > 6
    assert unlike(PICTURES / "report-nginx.png", tmp_path / "report-nginx-dark.png") > 60
