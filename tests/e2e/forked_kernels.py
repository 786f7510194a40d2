"""Kernels forked from one process that has imported torch and open_clip, which takes seconds of a core.

A kernel imports ipywidgets and the package itself. JupyterLab starts this file in place of ipykernel; it asks for a
fork, and ends when the fork ends. So only the standard library is imported at the top.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

NAME = "forked"
SECONDS = 120
"""How long the imports may take."""


@contextmanager
def forked_kernels(folder: Path) -> Generator[str]:
    """Fork kernels for a server whose data are in ``folder``/home/data; yield the name of their kind."""
    address = folder / "kernels.socket"
    spec = folder / "home" / "data" / "kernels" / NAME / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-I", __file__, "kernel", str(address), "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": NAME, "language": "python"}))
    server = subprocess.Popen([sys.executable, "-I", __file__, "serve", str(address)])
    try:
        deadline = time.monotonic() + SECONDS
        while not address.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The process that forks kernels did not start")
            time.sleep(0.1)
        yield NAME
    finally:
        server.terminate()
        server.wait()


def serve(address: str) -> None:
    """Import what kernels have in common, and fork one per connection."""
    for module in ("ipykernel.kernelapp", "open_clip"):
        importlib.import_module(module)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended kernels leave no zombies
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address + ".new")
        listener.listen()
        Path(address + ".new").rename(address)  # only now can it be connected to
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                run(connection)
            connection.close()


def run(connection: socket.socket) -> None:
    """Become the kernel that was asked for; end when the process that asked ends."""
    from ipykernel.kernelapp import launch_new_instance

    request, streams, _, _ = socket.recv_fds(connection, 2**20, 3)
    asked = json.loads(request)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    connection.sendall(f"{os.getpid()}\n".encode())
    threading.Thread(target=lambda: connection.recv(1) or os._exit(1), daemon=True).start()
    status = 1
    try:
        launch_new_instance(argv=["-f", asked["connection_file"]])
        status = 0
    finally:
        os._exit(status)


def kernel(address: str, connection_file: str) -> None:
    """Ask for a kernel, pass it signals, and wait until it has ended."""
    # ipykernel would end if its parent were another process than JupyterLab
    environment = {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"}
    request = {"connection_file": connection_file, "folder": str(Path.cwd()), "environment": environment}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
        pid = int(connection.makefile().readline())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: os.kill(pid, number))
        connection.recv(1)


if __name__ == "__main__":
    {"serve": serve, "kernel": kernel}[sys.argv[1]](*sys.argv[2:])
