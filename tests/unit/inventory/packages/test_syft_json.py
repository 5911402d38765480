from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.inventory.packages.records import NotUnderstoodError
from auditor.inventory.packages.syft_json import read_syft


def read(document):
    return read_syft(json.dumps(document).encode())


def test_packages_come_with_what_the_report_shows(document):
    found = {package.name: package for package in read(document).packages}
    nginx = found["nginx"]
    assert nginx.type == "deb"
    assert nginx.version.startswith("1.22.1-")
    assert nginx.purl is not None
    assert nginx.purl.startswith("pkg:deb/debian/nginx@")
    assert "/usr/sbin/nginx" in nginx.files
    assert "nginx-common" in nginx.depends_on
    assert nginx.paths[0] == "/var/lib/dpkg/status"
    assert nginx.licences


def test_their_order_is_that_of_their_names(document):
    names = [package.name for package in read(document).packages]
    document["artifacts"].reverse()
    assert names == sorted(names)
    assert [package.name for package in read(document).packages] == names


def test_python_files_are_found_from_where_they_are_installed(recorded):
    packages = read_syft(recorded("languages.json").read_bytes()).packages
    (one,) = (package for package in packages if package.name == "markupsafe")
    assert one.files
    assert all(path.startswith("/usr/lib/python3.11/") for path in one.files)


def test_only_the_main_module_is_the_program(recorded):
    packages = read_syft(recorded("languages.json").read_bytes()).packages
    modules = {package.name: package.main for package in packages if package.type == "go-module"}
    assert modules == {"github.com/anchore/syft": True, "github.com/docker/docker": False}


def test_keys_of_a_later_minor_version_are_passed_over(document):
    document["schema"]["version"] = "16.99.0"
    document["novelty"] = {"a": 1}
    document["artifacts"][0]["novelty"] = [1]
    assert read(document).unknowns == ()


@pytest.mark.parametrize("version", ["15.0.0", "17.0.0", "", "x", 16])
def test_another_major_version_is_not_read(document, version):
    document["schema"]["version"] = version
    with pytest.raises(NotUnderstoodError, match=r"only 16\.x is read"):
        read(document)


def test_an_entry_that_does_not_fit_is_counted_and_the_rest_read(document):
    whole = len(document["artifacts"])
    document["artifacts"][0]["name"] = 5
    document["artifacts"].append("nonsense")
    found = read(document)
    assert len(found.packages) == whole - 1
    assert found.unknowns[0].reason.startswith("2 entries")


def test_metadata_of_any_shape_is_read_past(document):
    shapes: list[Any] = [None, [], "x", {"files": 3}, {"files": [None, 1, {"path": 2}, {}]}]
    for metadata in shapes:
        document["artifacts"][0]["metadata"] = metadata
        document["artifacts"][0]["licenses"] = metadata
        assert len(read(document).packages) == len(document["artifacts"])


def test_no_path_leaves_the_root(document):
    document["artifacts"][0]["metadata"] = {"files": [{"path": "../../../etc/passwd"}]}
    document["artifacts"][0]["locations"] = [{"path": "../x"}]
    files = [path for package in read(document).packages for path in package.files]
    assert "/etc/passwd" in files
    assert not any(".." in path for path in files)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_garbage_is_refused_in_a_sentence(content):
    with pytest.raises(NotUnderstoodError):
        read_syft(content)
