"""The page of js/dev: the view on a stored explanation, with a model in the page that answers like a kernel."""

from __future__ import annotations

import runpy
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).parents[2]
DEV = ROOT / "js" / "dev"
AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def build() -> None:
    """Write the fixture and build the page.

    Raises:
        CalledProcessError: the build failed.
    """
    with patch.object(sys, "argv", ["fixture.py"]):  # a process of its own would import torch
        runpy.run_path(str(ROOT / "js" / "dev" / "fixture.py"), run_name="__main__")
    subprocess.run([sys.executable, "hatch_build.py", "npm", "run", "harness"], cwd=ROOT, check=True)


@contextmanager
def served() -> Generator[str]:
    """The page's address, for as long as it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(DEV)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        server.shutdown()
        server.server_close()
