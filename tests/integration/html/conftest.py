"""The HTML report of real images, and a real browser: Debian's Chromium, headless."""

from __future__ import annotations

import os
import shutil
import subprocess

import msgspec
import pytest
from playwright.sync_api import sync_playwright

from auditor.cli.main import main
from auditor.report.html import render
from auditor.report.saved import read_report

AXE = "axe-core@4.14.1"


def missing(tool):
    if os.environ.get("AUDITOR_NO_SKIP") == "1":
        pytest.fail(f"{tool} is not installed")
    pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def nginx(reports, tmp_path_factory):
    file = tmp_path_factory.mktemp("html") / "nginx.html"
    file.write_text(render(reports("nginx")))
    return file


@pytest.fixture(scope="session")
def large(reports, tmp_path_factory):
    """5,000 components, all of them reached, with 20,000 lines between them."""
    report = multiplied(reports("flask-app"), 42)
    assert len(report.components) >= 5000
    file = tmp_path_factory.mktemp("html") / "large.html"
    file.write_text(render(report))
    return file


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The text of axe-core, from npm."""
    if shutil.which("npm") is None:
        missing("npm")
    folder = tmp_path_factory.mktemp("axe")
    install = ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--silent", AXE]
    subprocess.run(install, check=True, capture_output=True)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()
