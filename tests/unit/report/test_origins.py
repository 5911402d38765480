"""What came with the base, and what the image's own layers brought."""

from __future__ import annotations

from auditor.model.image import Image, ImageConfig, Layer, Scheme
from auditor.model.inventory import Component, ComponentKind, Inventory
from auditor.report.origins import origin_of, summary
from auditor.report.wire import WireCounts, WireOrigins


def image(base_layers):
    layers = tuple(Layer(f"sha256:{name}", 1, "tar") for name in "abc")
    return Image("x", Scheme.OCI_DIR, None, None, ImageConfig(), layers, base_layers=base_layers)


def inventory():
    parts = [
        Component(name, ComponentKind.EXECUTABLE, f"/{name}", 1, layer, None)
        for name, layer in (("low", "sha256:b"), ("high", "sha256:c"), ("nowhere", None))
    ]
    return Inventory(tuple(parts), (), 3)


def test_a_component_is_of_the_layer_that_brought_it():
    assert origin_of(image(2), inventory()) == {"low": "base", "high": "own"}


def test_without_a_known_base_nothing_is_told_apart():
    assert origin_of(image(0), inventory()) == {}


def test_what_the_team_can_change_itself_comes_first():
    counts = WireOrigins(own=WireCounts(1, 2, 0), base=WireCounts(0, 0, 0))
    words = "1 error, 2 warnings from its own layers; nothing from debian:12."
    assert summary(counts, "debian:12") == words
    assert summary(counts, None).endswith("nothing from its base.")
