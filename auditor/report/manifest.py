"""The capability manifest of a report: a WIT world, and what hosts have to be told."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Callable, Mapping

from auditor.errors import UsageError
from auditor.report.json import plain
from auditor.report.text import printable
from auditor.report.wire import WireManifest, WireReport

__all__ = ["FORMATS", "manifest", "spin", "text", "wasmcloud", "wasmtime", "wit"]

_KEYWORDS = (
    " as async bool borrow char constructor enum export f32 f64 flags from func future import "
    "include interface list option own package record resource result s16 s32 s64 s8 static "
    "stream string tuple type u16 u32 u64 u8 use variant with world map "
)
"""Words of WIT that need a ``%`` as names."""
_SERVES = "wasi:http/"


def manifest(report: WireReport) -> WireManifest:
    """The manifest for the recommended target, or else for the first that has one.

    Raises ``UsageError`` where no target of the report has components.
    """
    by_target = {item.target: item for item in report.manifests}
    found = by_target.get(report.recommendation.target) or next(iter(report.manifests), None)
    if found is None:
        raise UsageError(
            "the report speaks of no target that has components",
            hint="scan with --target wasip2, wasip3, wasi-http or wasip1",
        )
    return found


def wit(report: WireReport) -> str:
    """A WIT package with one world; ``wkg wit fetch`` gets the packages that it names."""
    found = manifest(report)
    name = f"%{found.world}" if f" {found.world} " in _KEYWORDS else found.world
    lines = [
        f"// What {_words(report)} needs at least: WASI {found.wasi}, {found.target}.",
        *_comment(f"It does without {', '.join(found.without)}.") * bool(found.without),
        "package auditor:manifest;",
        "",
        f"world {name} {{",
    ]
    for item in found.imports:
        lines += [f"  // {', '.join(item.capabilities)}", f"  import {item.interface};"]
    lines += [f"  export {interface};" for interface in found.exports]
    return "\n".join([*lines, "}", ""])


def wasmtime(report: WireReport) -> str:
    """A command line of Wasmtime that grants what the world imports, and no more."""
    found = manifest(report)
    file = f"{found.world}.wasm"
    words = ["wasmtime", "serve"] if _serves(found) else ["wasmtime", "run"]
    if _serves(found) and any(item.interface.startswith("wasi:cli/") for item in found.imports):
        words += ["-S", "cli"]
    network = {"tcp", "udp"} & set(found.grants)
    if any(item.interface.startswith("wasi:sockets/") for item in found.imports):
        words += ["-S", "inherit-network"]
        words += [part for kind in ("tcp", "udp") if kind not in network for part in _off(kind)]
    if "names" in found.grants:
        words += ["-S", "allow-ip-name-lookup"]
    if found.wasi.startswith("0.3"):
        words += ["-S", "p3", "-W", "component-model-async"]
    for directory in _directories(report, found):
        words += ["--dir", f".{directory}::{directory}"]
    return f"{shlex.join([*words, file])}\n"


def spin(report: WireReport) -> str:
    """A ``spin.toml`` for the same. Spin calls components at its triggers; none listens."""
    found = manifest(report)
    name = json.dumps(found.world)
    trigger = "http" if _serves(found) else "command"
    lines = [
        "spin_manifest_version = 2",
        "",
        "[application]",
        f"name = {name}",
        'version = "0.1.0"',
    ]
    lines += ["", f"[[trigger.{trigger}]]", f"component = {name}"]
    if _serves(found):
        lines.append('route = "/..."')
    lines += ["", f"[component.{found.world}]", f"source = {json.dumps(f'{found.world}.wasm')}"]
    if {"tcp", "udp"} & set(found.grants):
        lines.append("# Name the hosts that it calls: nothing else can be reached.")
        lines.append("allowed_outbound_hosts = []")
    directories = _directories(report, found)
    if directories:
        files = ", ".join(
            f"{{ source = {json.dumps(f'.{path}')}, destination = {json.dumps(path)} }}"
            for path in directories
        )
        lines.append(f"files = [{files}]")
    return "\n".join([*lines, ""])


def wasmcloud(report: WireReport) -> str:
    """A ``WorkloadDeployment`` of wasmCloud for the same, as JSON (which is YAML as well)."""
    found = manifest(report)
    directories = _directories(report, found)
    volumes = {path: f"data-{number}" for number, path in enumerate(directories)}
    resources: dict[str, object] = {}
    if {"tcp", "udp"} & set(found.grants):
        resources["allowedHosts"] = []
    if volumes:
        resources["volumeMounts"] = [
            {"name": name, "mountPath": path} for path, name in volumes.items()
        ]
    image = f"registry.example/{found.world}:0.1.0"
    component: dict[str, object] = {"name": found.world, "image": image}
    if resources:
        component["localResources"] = resources
    body: dict[str, object] = {"hostSelector": {"hostgroup": "default"}}
    if _serves(found):
        body["components"] = [component]
        interfaces = [item.partition("/")[2].partition("@")[0] for item in found.exports]
        body["hostInterfaces"] = [
            {"namespace": "wasi", "package": "http", "interfaces": interfaces}
        ]
    else:
        body["service"] = {key: item for key, item in component.items() if key != "name"}
    if volumes:
        body["volumes"] = [{"name": name, "ephemeral": {}} for name in volumes.values()]
    document = {
        "apiVersion": "runtime.wasmcloud.dev/v1alpha1",
        "kind": "WorkloadDeployment",
        "metadata": {"name": found.world},
        "spec": {"replicas": 1, "template": {"spec": body}},
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def text(report: WireReport) -> str:
    """All of it, for people."""
    parts = [
        ("WIT world", wit(report)),
        ("Wasmtime", wasmtime(report)),
        ("Spin: spin.toml", spin(report)),
        ("wasmCloud: WorkloadDeployment", wasmcloud(report)),
    ]
    return "\n".join(f"== {title}\n{body}" for title, body in parts)


FORMATS: Mapping[str, Callable[[WireReport], str]] = {
    "text": text,
    "wit": wit,
    "wasmtime": wasmtime,
    "spin": spin,
    "wasmcloud": wasmcloud,
}
"""What ``auditor manifest`` writes."""


def _comment(sentence: str) -> list[str]:
    return [f"// {line}" for line in textwrap.wrap(sentence, 90, break_on_hyphens=False)]


def _serves(found: WireManifest) -> bool:
    return any(item.startswith(_SERVES) for item in found.exports)


def _off(kind: str) -> tuple[str, str]:
    return ("-S", f"{kind}=n")


def _directories(report: WireReport, found: WireManifest) -> list[str]:
    """The image's volumes, else where the working directory stands for all that it opens."""
    if "directories" not in found.grants:
        return []
    named = [path for path in report.image.volumes if path.startswith("/") and ".." not in path]
    return sorted({plain(path) for path in named}) or ["/data"]


def _words(report: WireReport) -> str:
    """The image's name on one line, so that it cannot end the comment that it stands in."""
    return " ".join(printable(report.image.reference).split())
