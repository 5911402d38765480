"""A hostile image does nothing in the browser of whoever reads its report."""

from __future__ import annotations

import msgspec
import pytest

from auditor.report.html import render

pytestmark = pytest.mark.integration
HOSTILE = "</script><img src=x onerror=hacked=1><svg/onload=hacked=1>{{hacked=1}}\"'`${hacked=1}"


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
