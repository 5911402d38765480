"""Which files a web server hands to PHP: the front controllers of the document root."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from auditor.applications.php.settings import Settings, text_of
from auditor.image.rootfs import RootFS
from auditor.model.image import EntryKind

__all__ = ["front_controllers", "scripts_of"]

_NGINX = re.compile(r"^\s*root\s+[\"']?(/[^;\"'\s]*)", re.MULTILINE)
_APACHE = re.compile(r"^\s*DocumentRoot\s+[\"']?(/[^\"'\s]*)", re.MULTILINE | re.IGNORECASE)
_CONFIGURED = (
    ("/etc/nginx", _NGINX),
    ("/etc/nginx/conf.d", _NGINX),
    ("/etc/nginx/http.d", _NGINX),
    ("/etc/nginx/sites-enabled", _NGINX),
    ("/etc/apache2/sites-enabled", _APACHE),
    ("/etc/apache2/conf-enabled", _APACHE),
    ("/etc/apache2", _APACHE),
    ("/etc/httpd/conf", _APACHE),
    ("/etc/httpd/conf.d", _APACHE),
    ("/usr/local/apache2/conf", _APACHE),
)
_BELOW = ("public", "web", "webroot", "htdocs", "html", "www", "")
"""Where frameworks put their front controller: Laravel and Symfony in public, CakePHP in
webroot."""
_USUAL = ("/var/www/html", "/var/www", "/app", "/srv/app", "/usr/share/nginx/html")
_MOST = 500


def front_controllers(rootfs: RootFS, settings: Settings, working_dir: str) -> list[str]:
    """PHP files of the first document root that has some: what configuration names comes first."""
    told = [root for root in _configured(rootfs) if scripts_of(rootfs, root)]
    if told:
        found = [path for root in dict.fromkeys(told) for path in scripts_of(rootfs, root)]
        return list(dict.fromkeys(found))[:_MOST]
    pools = [pool.get("chdir", "") for pool in settings.pools]
    for base in (*pools, settings.values.get("doc_root", ""), working_dir, *_USUAL):
        if not base.startswith("/") or base == "/":
            continue
        for below in _BELOW:
            found = scripts_of(rootfs, posixpath.join(base, below))
            if any(posixpath.basename(path) == "index.php" for path in found):
                return found
    return []


def _configured(rootfs: RootFS) -> Iterator[str]:
    for folder, expression in _CONFIGURED:
        for name in rootfs.listdir(folder):
            for root in expression.findall(text_of(rootfs, f"{folder}/{name}")):
                yield posixpath.normpath(root)


def scripts_of(rootfs: RootFS, root: str) -> list[str]:
    """The PHP files that lie in a document root itself, ``index.php`` first."""
    found = []
    for name in rootfs.listdir(root):
        if name.endswith(".php"):
            entry = rootfs.resolve(posixpath.join(root, name))
            if entry is not None and entry.kind is EntryKind.FILE:
                found.append(entry.path)
    found.sort(key=lambda path: (posixpath.basename(path) != "index.php", path))
    return found[:_MOST]
