"""Splits of real images."""

from __future__ import annotations

import pytest

import auditor
from auditor import Options


@pytest.fixture(scope="module")
def split_of(real_image):
    def found(name, **options):
        report = auditor.scan(f"oci-dir:{real_image(name)}", Options(packages="none", **options))
        assert report.split is not None
        assert report.split.target == report.recommendation.target
        return report.split

    return found


def starts(split, side):
    return [part.start.partition(":")[2] for part in split.parts if part.side == side]


def test_of_a_flask_image_the_handler_moves_and_gunicorn_falls_away(split_of):
    split = split_of("flask-app")
    assert starts(split, "moves") == ["/app/shop/web.py"]
    assert starts(split, "stays") == []
    assert "script:/usr/local/bin/gunicorn" in split.falls_away
    assert split.summary.startswith("/app/shop/web.py moves to wasip2")


def test_nginx_stays(split_of):
    split = split_of("nginx")
    assert starts(split, "moves") == []
    assert "/usr/sbin/nginx" in starts(split, "stays")


def test_two_processes_are_judged_apart(split_of):
    split = split_of("two-runtimes")
    assert {part.start for part in split.parts} == {"source:/srv/feed.pl", "source:/srv/web.py"}


def test_an_init_falls_away_and_what_it_starts_moves(split_of):
    split = split_of("tini")
    assert starts(split, "moves") == ["/usr/bin/report"]
    assert split.falls_away == ["executable:/usr/bin/tini"]


def test_on_another_target_other_parts_move(split_of):
    assert starts(split_of("flask-app", targets=("core",)), "moves") == []
