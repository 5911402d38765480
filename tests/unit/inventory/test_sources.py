"""Which files following an application may ask for."""

from __future__ import annotations

import pytest

from auditor.inventory.sources import is_source


@pytest.mark.parametrize(
    "path",
    [
        "/app/app.py",
        "/usr/lib/python3/dist-packages/flask/app.py",
        "/usr/local/lib/python3.12/site-packages/_virtualenv.pth",
        "/opt/venv/pyvenv.cfg",
        "/srv/node_modules/express/index.js",
        "/srv/node_modules/express/package.json",
        "/app/app.jar",
        "/usr/share/perl5/CGI.pm",
        "/var/lib/gems/3.1.0/gems/sinatra-3.0/lib/sinatra.rb",
        "/app/app.runtimeconfig.json",
        "/app/Gemfile.lock",
    ],
)
def test_an_application_and_its_packages_are_kept(path):
    assert is_source(path)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/python3.11/os.py",
        "/usr/local/lib/python3.12/json/decoder.py",
        "/usr/share/perl/5.36.0/IO/Socket.pm",
        "/usr/lib/x86_64-linux-gnu/perl/5.36/Socket.pm",
        "/usr/lib/ruby/3.1.0/net/http.rb",
        "/srv/node_modules/express/index.d.ts",
        "/srv/node_modules/express/README.md",
        "/app/.py",
        "/app/data.json",
    ],
)
def test_a_runtime_s_own_library_and_all_else_are_not(path):
    assert not is_source(path)
