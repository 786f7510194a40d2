"""Servers of the tests' own (JupyterLab, Notebook), and notebooks opened in them by a real browser on a real kernel."""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import ConsoleMessage, Locator, Page

REPOSITORY = Path(__file__).resolve().parents[2]
TOKEN = secrets.token_hex(16)
# JupyterLab's own news and catalogues need the network, and its error when there is none would be taken for ours.
OPTIONS = (
    "--no-browser",
    "--allow-root",
    "--expose-app-in-browser",
    "--ServerApp.port_retries=0",
    f"--IdentityProvider.token={TOKEN}",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--LanguageServerManager.autodetect=False",
)
AS_PLAIN = "lambda value: value.tolist() if hasattr(value, 'tolist') else str(value)"
SECONDS = 90
"""How long to wait for what takes a server or a kernel's start; a limit, not a measurement."""


class Lab:
    """A running server that serves ``folder``.

    ``opens`` is the path below which it shows a notebook, and ``kernel`` the kind of kernel of new notebooks.
    """

    def __init__(self, folder: Path, port: int, opens: str = "doc/tree", kernel: str = "python3") -> None:
        self.folder = folder
        self.port = port
        self.opens = opens
        self.kernel = kernel

    def url(self, path: str) -> str:
        """Address of ``path`` with the token."""
        return f"http://127.0.0.1:{self.port}/{path}{'&' if '?' in path else '?'}token={TOKEN}"

    def get(self, path: str) -> Any:
        """What the server's REST interface answers."""
        with urllib.request.urlopen(self.url(path), timeout=10) as answer:
            return json.load(answer)

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook with these code cells; returns its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": self.kernel, "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.folder / name)
        return name


@contextmanager
def running_lab(
    folder: Path, application: str = "jupyterlab", opens: str = "doc/tree", kernel: str = "python3"
) -> Iterator[Lab]:
    """Start JupyterLab, or another ``application`` on its server, which shows notebooks at other addresses."""
    work = folder / "work"
    work.mkdir(parents=True)
    settings = folder / "home" / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    port = free_port()
    lab = Lab(work, port, opens, kernel)
    command = [sys.executable, "-m", application, *OPTIONS, f"--ServerApp.port={port}", str(work)]
    with served(command, folder, lambda: lab.get("api/status")):
        yield lab


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def served(command: list[str], folder: Path, answers: Callable[[], Any]) -> Iterator[None]:
    """Run a server with nothing of the person's own: settings, extensions, workspaces, history.

    Args:
        command: Starts it; in ``folder/work``.
        folder: Where it keeps its things.
        answers: Raises an ``OSError`` for as long as the server does not answer.

    Raises:
        RuntimeError: It did not start.
    """
    home = folder / "home"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_", "XDG_"))},
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "PYTHONPATH": str(REPOSITORY),
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=folder / "work",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(answers, server, folder / "server.log")
            yield
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(answers: Callable[[], Any], server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            answers()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{' '.join(map(str, server.args))} did not start:\n{log.read_text()}")


class OpenNotebook:
    """A notebook in the browser, its kernel, and what the browser's console complained about."""

    def __init__(self, lab: Lab, page: Page, name: str) -> None:
        self.lab = lab
        self.page = page
        self.name = name
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.goto(lab.url(f"{lab.opens}/{name}"))
        page.locator(".jp-Notebook").wait_for(timeout=SECONDS * 1000)
        self.kernel = self._connect()

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def _connect(self) -> BlockingKernelClient:
        """A client of the very kernel that the notebook runs on."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            kernels = [s["kernel"]["id"] for s in self.lab.get("api/sessions") if s["path"] == self.name]
            files = [
                file
                for kernel in kernels
                for file in (self.lab.folder.parent / "home" / "runtime").glob(f"kernel-{kernel}.json")
            ]
            if files:
                client = BlockingKernelClient(connection_file=str(files[0]))
                client.load_connection_file()
                # Without the heartbeat, which takes a kernel on a busy machine for a dead one.
                client.start_channels(hb=False)
                client.wait_for_ready(timeout=SECONDS)
                return client
            time.sleep(0.1)
        raise RuntimeError(f"{self.name} has no kernel")

    def run_all(self) -> None:
        """Run every cell, and wait until the last one is done."""
        self.command("notebook:run-all-cells")

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> None:
        """Execute one of JupyterLab's commands, and wait until it is done."""
        self.page.evaluate(
            "async ([name, arguments]) => { await window.jupyterapp.commands.execute(name, arguments); }",
            [name, arguments or {}],
        )

    def evaluate(self, expression: str) -> Any:
        """The value of a Python expression in the kernel, through JSON; NumPy arrays become lists."""
        code = f"__import__('json').dumps({expression}, default={AS_PLAIN})"
        values: list[str] = []

        def note(message: dict[str, Any]) -> None:
            if message["msg_type"] == "execute_result":
                values.append(message["content"]["data"]["text/plain"])

        reply = self.kernel.execute_interactive(code, store_history=False, timeout=SECONDS, output_hook=note)
        content = reply["content"]
        if content["status"] != "ok":
            trace = "\n".join(content.get("traceback", ()))
            raise RuntimeError(re.sub(r"\x1b\[[0-9;]*m", "", trace))
        (text,) = values
        return json.loads(ast.literal_eval(text))

    def execute(self, code: str) -> None:
        """Run statements in the kernel, outside of the notebook."""
        self.evaluate(f"exec({code!r})")

    def widgets(self) -> Locator:
        """The views of our widgets in the page."""
        return self.page.locator(".fixlip")

    def close(self) -> None:
        """Let go of the page, and end the kernel."""
        self.kernel.stop_channels()
        for session in self.lab.get("api/sessions"):
            if session["path"] == self.name:
                request = urllib.request.Request(self.lab.url(f"api/sessions/{session['id']}"), method="DELETE")
                urllib.request.urlopen(request, timeout=20).close()
        self.page.close()
