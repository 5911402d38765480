"""Templates of the user's own."""

from __future__ import annotations

import pytest

from auditor.errors import ReportError
from auditor.report.template import render


@pytest.fixture
def rendered(tmp_path, changed, finding):
    def run(text, name="report.txt.j2", path="/bin/<b>"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return render(changed(score=42, findings=[finding(path=path)]), file)

    return run


def test_a_template_gets_the_json_report_s_keys(rendered):
    text = "{% for item in targets %}\n{{ item.id }} {{ item.score }}\n{% endfor %}\n"
    assert rendered(text) == "wasip1 42\n"
    assert rendered("{{ report.recommendation.verdict }}\n") == "adapt\n"


def test_what_an_image_chose_is_escaped_in_markup_alone(rendered):
    text = "{{ findings[0].component }}"
    assert rendered(text, "a.html.j2") == "executable:/bin/&lt;b&gt;"
    assert rendered(text, "a.md") == "executable:/bin/<b>"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\n{% for %}", "is wrong in line 2"),
        ("{{ nothing }}", "cannot be rendered: 'nothing' is undefined"),
        ("{{ 1 / 0 }}", "cannot be rendered: division by zero"),
        ("{{ ''.__class__.__mro__ }}", "cannot be rendered: access to attribute"),
        ("{% include '/etc/passwd' %}", "cannot be rendered"),
        ("{{ targets.append(1) }}", "cannot be rendered"),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_what_goes_wrong_is_a_sentence(rendered, text, sentence):
    with pytest.raises(ReportError) as caught:
        rendered(text)
    assert sentence in str(caught.value)


def test_a_template_that_is_not_there_is_said(report, tmp_path):
    with pytest.raises(ReportError, match="cannot be read: No such file"):
        render(report, tmp_path / "none.j2")
