"""The HTML report in a real browser: Debian's Chromium, headless."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat
from playwright.sync_api import sync_playwright

from auditor.cli.main import main
from auditor.report.html import render
from auditor.report.saved import read_report

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "images"
AXE = "axe-core@4.14.1"
SOON = 2000
"""Milliseconds until the graph is drawn, and all else long before."""
HOSTILE = "</script><img src=x onerror=hacked=1><svg/onload=hacked=1>{{hacked=1}}\"'`${hacked=1}"


def missing(tool):
    if os.environ.get("AUDITOR_NO_SKIP") == "1":
        pytest.fail(f"{tool} is not installed")
    pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="module")
def reports(real_image, tmp_path_factory):
    """Image → its report, scanned once."""
    folder = tmp_path_factory.mktemp("reports")
    made = {}

    def scanned(name):
        if name not in made:
            file = folder / f"{name}.json"
            (folder / name).symlink_to(real_image(name))
            options = ["--packages", "none"] if name != "nginx" else []
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                image = f"oci-dir:{name}"
                assert main(["scan", "-q", *options, image, "-o", f"json={file}"]) == 0
            made[name] = read_report(str(file))
        return made[name]

    return scanned


def multiplied(report, times):
    """The report with everything that is reached so many times, side by side."""
    replace = msgspec.structs.replace
    reached = [item for item in report.components if item.reach != "present"]
    known = {item.id for item in reached}
    components, edges, findings = [], [], []
    for number in range(times):

        def name(identifier, number=number):
            kind, _, path = identifier.partition(":")
            return f"{kind}:/copy{number}{path}" if identifier in known else identifier

        components += [
            replace(item, id=name(item.id), path=f"/copy{number}{item.path}") for item in reached
        ]
        edges += [replace(item, from_=name(item.from_), to=name(item.to)) for item in report.edges]
        findings += [
            replace(
                item,
                id=f"{item.id}#{number}",
                component=name(item.component),
                chain=[*map(name, item.chain)],
            )
            for item in report.findings
        ]
    return replace(report, components=components, edges=edges, findings=findings)


@pytest.fixture(scope="module")
def nginx(reports, tmp_path_factory):
    file = tmp_path_factory.mktemp("html") / "nginx.html"
    file.write_text(render(reports("nginx")))
    return file


@pytest.fixture(scope="module")
def large(reports, tmp_path_factory):
    """5,000 components, all of them reached, with 20,000 lines between them."""
    report = multiplied(reports("flask-app"), 42)
    assert len(report.components) >= 5000
    file = tmp_path_factory.mktemp("html") / "large.html"
    file.write_text(render(report))
    return file


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        missing("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """Open a file: width, colours. Whatever the console is told fails the test at its end."""
    contexts, told, asked = [], [], []

    def opened(file, *, width=1280, height=900, scheme="light", **options):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",  # a scroll is done when it is asked for
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert told == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The text of axe-core, from npm."""
    if shutil.which("npm") is None:
        missing("npm")
    folder = tmp_path_factory.mktemp("axe")
    install = ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", AXE]
    subprocess.run(install, check=True, capture_output=True)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def matching(page):
    """How many components the list tells of."""
    return int(page.locator("html").get_attribute("data-matching"))


def visible(page):
    return page.evaluate("auditorGraph.nodes(':visible').length")


def place_of(page, path):
    """Where on the screen the graph has a component."""
    page.locator("#cy").scroll_into_view_if_needed()
    page.wait_for_timeout(100)  # cytoscape hears of the scroll in the next frame
    at = page.evaluate(
        """path => {
          const node = DATA.nodes.path.findIndex(number => text(number) === path);
          const [x, y] = DATA.nodes.place[node];
          const box = document.getElementById("cy").getBoundingClientRect();
          const pan = auditorGraph.pan(), zoom = auditorGraph.zoom();
          return [box.left + pan.x + zoom * x, box.top + pan.y + zoom * y];
        }""",
        path,
    )
    return at[0], at[1]


@pytest.mark.parametrize("name", ["nginx", "large"])
def test_a_report_opens_in_under_two_seconds(visit, request, name):
    file = request.getfixturevalue(name)
    for _ in range(5):  # other tests run beside this one
        took = int(visit(file).locator("html").get_attribute("data-ready"))
        if took < SOON:
            break
    assert took < SOON


def test_the_answer_is_on_the_first_screen(visit, nginx, reports):
    page = visit(nginx)
    headline = reports("nginx").recommendation
    assert page.locator("h1").inner_text() == headline.summary
    assert page.locator("h1").bounding_box()["y"] < 200
    table = page.locator("table.targets").bounding_box()
    assert table["y"] + table["height"] < 1000


def test_the_filters_show_as_many_as_the_report_has(visit, nginx, reports):
    report = reports("nginx")
    target = report.recommendation.target
    reached = [item for item in report.components if item.reach != "present"]
    verdicts = Counter(item.verdicts[target] for item in reached)
    page = visit(nginx)
    assert matching(page) == len(reached) == visible(page) - 1
    page.uncheck("#verdicts input[value=adapt]")
    assert matching(page) == len(reached) - verdicts["adapt"] == visible(page) - 1
    page.check("#verdicts input[value=adapt]")
    page.check("#reach input[value=present]")
    assert matching(page) == len(report.components)
    page.uncheck("#reach input[value=reachable]")
    assert matching(page) == len(report.components) - len(reached)


def test_another_target_has_its_own_blockers_and_colours(visit, nginx, reports):
    report = reports("nginx")
    page = visit(nginx)
    for target in report.targets:
        page.locator(f".tabs [data-choose={target.id}]").click()
        assert page.locator("#target").input_value() == target.id
        shown = page.locator(".way:visible > .findings > .finding")
        assert shown.count() == min(len(target.blockers), 25)
        reached = [item for item in report.components if item.reach != "present"]
        verdicts = Counter(item.verdicts[target.id] for item in reached)
        for box in page.locator("#verdicts label").all():
            verdict = box.locator("input").input_value()
            assert int(box.locator(".muted").inner_text()) == verdicts[verdict]
    page.select_option("#target", "wasix")
    assert page.locator("[role=tab][aria-selected=true]").inner_text().strip() == "wasix"


def test_search_finds_by_path_and_by_symbol(visit, nginx, reports):
    report = reports("nginx")
    page = visit(nginx)
    page.fill("#search", "sbin/NGINX")
    page.wait_for_selector("html[data-matching='1']")
    assert page.locator(".pick").all_inner_texts()[0].startswith("nginx")
    users = {
        item.component
        for item in report.findings
        if any("epoll_ctl" in fact.detail for fact in item.evidence)
    }
    page.fill("#search", "epoll_ctl")
    page.wait_for_selector(f"html[data-matching='{len(users)}']")
    page.fill("#search", "no such thing")
    page.wait_for_selector("html[data-matching='0']")


def test_a_click_on_a_node_shows_its_evidence(visit, nginx):
    page = visit(nginx)
    page.mouse.click(*place_of(page, "/usr/sbin/nginx"))
    panel = page.locator("#panel")
    assert panel.locator("h3").inner_text() == "/usr/sbin/nginx"
    text = panel.inner_text()
    assert "process.fork" in text
    assert "import" in text
    assert "libcrypto.so.3" in text  # what it leads to
    way = page.evaluate("auditorGraph.edges('.way').map(edge => edge.target().data('label'))")
    assert way == ["docker-entrypoint.sh", "nginx"]
    panel.get_by_role("button", name="libcrypto.so.3").click()
    assert panel.locator("h3").inner_text().endswith("/libcrypto.so.3")
    panel.get_by_role("button", name="All components").click()
    assert panel.locator("h3").count() == 0


def test_a_component_in_the_text_leads_to_the_graph(visit, nginx):
    page = visit(nginx)
    page.locator(".way:visible .chain a", has_text="/usr/sbin/nginx").first.click()
    assert page.locator("#panel h3").inner_text() == "/usr/sbin/nginx"
    page.wait_for_function("document.getElementById('cy').getBoundingClientRect().top < 900")


def test_the_keyboard_alone_leads_to_the_evidence(visit, nginx):
    page = visit(nginx)
    page.locator("#search").focus()
    page.keyboard.type("sbin/nginx")
    page.wait_for_selector("html[data-matching='1']")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "pick":
            break
    page.keyboard.press("Enter")
    assert page.locator("#panel h3").inner_text() == "/usr/sbin/nginx"


def test_the_split_is_drawn_on_the_graph(visit, nginx, reports):
    page = visit(nginx)
    (stays,) = reports("nginx").split.parts
    page.locator("#split a[data-colour=split]").click()
    colour = """path => {
      const node = DATA.nodes.path.findIndex(number => text(number) === path);
      return auditorGraph.getElementById("n" + node).style("background-color");
    }"""
    red = page.evaluate(colour, stays.start.partition(":")[2])
    assert red == page.evaluate("colourOf('red')").replace(" ", "")
    assert red != page.evaluate(colour, "/docker-entrypoint.sh")
    assert "falls away" in page.locator("#legend").inner_text()


def test_five_thousand_nodes_can_be_searched_filtered_and_clicked(visit, large):
    page = visit(large)
    assert matching(page) == 5040
    page.fill("#search", "copy41/app/shop/web.py")
    page.wait_for_selector("html[data-matching='1']")
    page.fill("#search", "")
    page.wait_for_selector("html[data-matching='5040']")
    page.uncheck("#verdicts input[value=rebuild]")
    assert 0 < matching(page) < 1000
    page.check("#verdicts input[value=rebuild]")
    page.click("#zoom-fit")
    for _ in range(6):
        page.click("#zoom-in")
    dot = page.evaluate(  # a node that is a dot until it is chosen, in the middle of the view
        """() => {
          const { x1, x2, y1, y2 } = auditorGraph.extent();
          const away = ([x, y]) => Math.hypot(x - (x1 + x2) / 2, y - (y1 + y2) / 2);
          const dots = [...DATA.nodes.place.keys()].filter(
            node => !auditorGraph.hasElementWithId("n" + node));
          dots.sort((a, b) => away(DATA.nodes.place[a]) - away(DATA.nodes.place[b]));
          return text(DATA.nodes.path[dots[0]]);
        }"""
    )
    page.mouse.click(*place_of(page, dot))
    assert page.locator("#panel h3").inner_text() == dot
    assert "Reached from" in page.locator("#panel").inner_text()


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


def test_without_scripts_every_target_s_blockers_can_be_read(visit, nginx, reports):
    page = visit(nginx, java_script_enabled=False)
    assert page.locator(".way:visible").count() == len(reports("nginx").targets)
    assert page.locator("noscript p").is_visible()


def hostile(value):
    """Every name of the report with markup and code put behind it."""
    if isinstance(value, dict):
        return {key: hostile(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    free = isinstance(value, str) and ("/" in value or " " in value)
    return value + HOSTILE if free else value


def test_nothing_of_a_hostile_image_is_run(visit, nginx, reports, tmp_path):
    document = hostile(msgspec.to_builtins(reports("nginx")))
    file = tmp_path / "hostile.html"
    file.write_text(render(msgspec.convert(document, type(reports("nginx")))))
    page = visit(file)
    for pick in page.locator(".pick").all()[:3]:
        pick.click()
        assert "onerror=hacked" in page.locator("#panel h3").inner_text()
        page.get_by_role("button", name="All components").click()
    page.fill("#search", "onload")
    page.wait_for_timeout(300)
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("main svg:not(.bar), img[src=x]").count() == 0


def test_the_policy_refuses_what_was_put_in_later(browser, nginx):
    page = browser.new_page()
    page.goto(nginx.as_uri())
    page.evaluate(
        """() => {
          try { document.body.innerHTML += "<img src=x onerror='hacked = 1'>"; } catch {}
          const script = document.createElement("script");
          try { script.textContent = "hacked = 1"; document.body.append(script); } catch {}
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("typeof hacked") == "undefined"
    page.close()


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


def test_convert_writes_the_same_page_as_scan(reports, tmp_path):
    file, page = tmp_path / "report.json", tmp_path / "page.html"
    file.write_text(json.dumps(msgspec.to_builtins(reports("nginx"))))
    assert main(["convert", str(file), "-o", f"html={page}"]) == 0
    assert page.read_text() == render(reports("nginx"))
