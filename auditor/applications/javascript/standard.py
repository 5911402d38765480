"""Names of the runtimes' own libraries, as their documentation writes them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["documented"]

_GIVES: Mapping[str, str] = {
    "http.createServer": "http.Server",
    "https.createServer": "https.Server",
    "http2.createServer": "http2.Http2Server",
    "http2.createSecureServer": "http2.Http2SecureServer",
    "net.createServer": "net.Server",
    "net.connect": "net.Socket",
    "net.createConnection": "net.Socket",
    "tls.createServer": "tls.Server",
    "tls.connect": "tls.TLSSocket",
    "dgram.createSocket": "dgram.Socket",
    "child_process.spawn": "child_process.ChildProcess",
    "child_process.fork": "child_process.ChildProcess",
    "child_process.exec": "child_process.ChildProcess",
    "child_process.execFile": "child_process.ChildProcess",
    "cluster.fork": "cluster.Worker",
    "readline.createInterface": "readline.Interface",
    "fs.createReadStream": "fs.ReadStream",
    "fs.createWriteStream": "fs.WriteStream",
    "express": "express.application",
}
"""Functions of Node.js (and express) → the class of what they give."""
_NAMES: Mapping[str, str] = {"fs.promises": "fs/promises", "dns.promises": "dns/promises"}


def documented(module: str, rest: str) -> str:
    """A name below a module, without ``node:`` and ``default``, by the class that it belongs to."""
    module = module.removeprefix("node:")
    parts = [part for part in rest.split(".") if part and part != "default"]
    name = ".".join([module, *parts])
    for known, given in _NAMES.items():
        if name == known or name.startswith(f"{known}."):
            return given + name[len(known) :]
    head, _, method = name.rpartition(".")
    made = _GIVES.get(head)
    return f"{made}.{method}" if made is not None and len(parts) > (head != "express") else name
