from __future__ import annotations

import json

import pytest

from auditor.errors import UsageError
from auditor.inventory.packages.sbom import read_sbom


def test_each_format_is_told_by_its_content(recorded, tmp_path):
    for name, by in (
        ("debian.json", "syft 1.18.1"),
        ("cyclonedx.json", "CycloneDX 1.6"),
        ("spdx.json", "SPDX 2.3"),
    ):
        copy = tmp_path / "bill"
        copy.write_bytes(recorded(name).read_bytes())
        assert read_sbom(str(copy)).by == by


def test_the_formats_agree_on_what_is_there(recorded):
    def told(name):
        packages = read_sbom(str(recorded(name))).packages
        wanted = {"nginx", "nginx-common", "libc6", "libintl"}
        return [(p.name, p.version, p.type, p.purl) for p in packages if p.name in wanted]

    assert len(told("debian.json")) == 4
    assert told("cyclonedx.json") == told("debian.json")
    assert told("spdx.json") == told("debian.json")


def test_the_image_itself_and_its_system_are_no_packages(recorded):
    for name in ("cyclonedx.json", "spdx.json"):
        names = {package.name for package in read_sbom(str(recorded(name))).packages}
        assert not names & {"image", "debian"}


def test_files_that_a_bill_names_are_owned(recorded):
    spdx = {package.name: package for package in read_sbom(str(recorded("spdx.json"))).packages}
    assert any(package.files for package in spdx.values())
    cyclonedx = read_sbom(str(recorded("cyclonedx.json"))).packages
    (jar,) = (package for package in cyclonedx if package.name == "libintl")
    assert jar.paths == ("/usr/share/java/libintl-0.21.jar",)


def test_cyclonedx_of_other_tools_is_read(tmp_path):
    file = tmp_path / "bom.json"
    inner = {"type": "library", "name": "b", "version": "2", "purl": "pkg:pypi/b@2"}
    licences = [{"license": {"id": "MIT"}}, {"expression": "ISC OR MIT"}, {"license": 5}, None]
    outer = {
        "type": "library",
        "group": "@acme",
        "name": "a",
        "version": "1",
        "purl": "pkg:npm/%40acme/a@1",
        "licenses": licences,
        "evidence": {"occurrences": [{"location": "srv/node_modules/@acme/a/package.json"}]},
        "components": [inner, {"name": 3}, "nonsense"],
    }
    file.write_text(
        json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [outer]})
    )
    first, second = read_sbom(str(file)).packages
    assert (first.name, first.type, first.licences) == ("@acme/a", "npm", ("ISC OR MIT", "MIT"))
    assert first.paths == ("/srv/node_modules/@acme/a/package.json",)
    assert (second.name, second.type) == ("b", "python")


@pytest.mark.parametrize(
    "content", ["", "hello", "[]", "{}", "3", '{"spdxVersion": "SPDX-3.0"}', "\xff", "[" * 100000]
)
def test_any_other_file_is_wrong_usage(tmp_path, content):
    file = tmp_path / "bom.json"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(UsageError, match="--packages") as raised:
        read_sbom(str(file))
    assert raised.value.hint is not None


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_sbom(str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="null byte"):
        read_sbom("a\0b")


def test_a_syft_document_of_another_major_version_is_wrong_usage(document, tmp_path):
    document["schema"]["version"] = "20.0.0"
    file = tmp_path / "bom.json"
    file.write_text(json.dumps(document))
    with pytest.raises(UsageError, match=r"schema 20\.0\.0"):
        read_sbom(str(file))
