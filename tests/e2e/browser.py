"""Finds the Chromium that the end-to-end tests drive, or installs one.

``python -m tests.e2e.browser --install`` prints where it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# A test's browser talks to the test's server alone; what it would fetch for itself only fails loudly behind a firewall.
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find() -> str | None:
    """The path of $CHROMIUM, of a Chromium or Chrome on PATH, or of Playwright's own; None where there is none."""
    asked_for = os.environ.get("CHROMIUM")
    if asked_for:
        return asked_for
    for name in NAMES:
        if path := shutil.which(name):
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def install() -> str:
    """Where the browser is, after installing Debian's, or else Playwright's, where there was none.

    Raises:
        SystemExit: none could be installed.
    """
    if path := find():
        return path
    become_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not become_root or shutil.which("sudo")):
        print("Installing Chromium with apt-get", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-qq", "--yes", "chromium"]):
            subprocess.run([*become_root, "apt-get", *arguments], env=environment, check=False)
    if not (path := find()):
        print("Installing Chromium with Playwright", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
        path = find()
    if not path:
        raise SystemExit("No browser for the tests: install chromium, or set CHROMIUM to the path of one")
    return path


def launch(playwright: Playwright) -> Browser:
    """A headless browser. Chromium's sandbox refuses to start as root, and there alone it is switched off."""
    return playwright.chromium.launch(
        executable_path=install(),
        args=QUIET,
        chromium_sandbox=os.geteuid() != 0,
    )


if __name__ == "__main__":
    print(install() if "--install" in sys.argv else find())
