"""Whose a function of a Go program is, by its name and the build information."""

from __future__ import annotations

import pytest

from auditor.applications.go.names import Packages, package_of, plain
from auditor.model.go import GoBuildInfo

BUILD = GoBuildInfo(
    "go1.27.3", "shop/cmd/server", "shop", (("gopkg.in/yaml.v3", "v3.0.1"), ("net/extra", "v1")), ()
)


@pytest.mark.parametrize(
    ("symbol", "package"),
    [
        ("main.main", "main"),
        ("main.run.func1.2", "main"),
        ("net/http.(*Server).Serve", "net/http"),
        ("net/http.(*Server).Serve-fm", "net/http"),
        ("github.com/a/b.F[go.shape.struct { x/y.Z string }]", "github.com/a/b"),
        ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3"),
        ("type:.eq.net/http.Request", "type:"),
        ("go:buildid", "type:"),
        ("runtime.text", "runtime"),
    ],
)
def test_the_package_of_a_symbol(symbol: str, package: str) -> None:
    assert package_of(symbol) == package


def test_type_arguments_and_escapes_are_no_part_of_a_name() -> None:
    assert plain("slices.SortFunc[go.shape.[]int,go.shape.int]") == "slices.SortFunc"
    assert plain("a/b.(*T[go.shape.int]).M") == "a/b.(*T).M"
    assert plain("gopkg.in/yaml%2ev3.Unmarshal") == "gopkg.in/yaml.v3.Unmarshal"


def test_own_packages_are_those_of_the_main_module() -> None:
    packages = Packages.of(BUILD)
    assert [packages.own(name) for name in ("main", "shop", "shop/orders")] == [True] * 3
    assert not packages.own("shopping/cart")
    assert not packages.own("gopkg.in/yaml.v3")


def test_what_comes_with_go_is_told_from_modules_of_like_names() -> None:
    packages = Packages.of(BUILD)
    for name in ("net/http", "runtime", "internal/poll", "vendor/golang.org/x/net/idna", "type:"):
        assert packages.standard(name)
    for name in ("main", "shop/orders", "gopkg.in/yaml.v3", "net/extra", "golang.org/x/sys/unix"):
        assert not packages.standard(name)


def test_a_program_that_does_not_tell_owns_its_main_package_alone() -> None:
    packages = Packages.of(None)
    assert packages.own("main")
    assert not packages.own("shop/orders")
    assert not packages.standard("shop/orders")
