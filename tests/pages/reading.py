"""What a written page holds: its saved parts as Python reads them, and its elements."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from typing import Any

import numpy as np


class Page(HTMLParser):
    """The saved parts, the elements, and the frames of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.frames: list[str] = []
        self.stills: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._script: list[str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag == "script":
            self._script = []
        if tag == "iframe":
            self.frames.append(dict(attributes).get("srcdoc") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            attributes = [attributes for name, attributes in self.elements if name == "script"][-1]
            self.scripts.append((attributes, "".join(self._script or ())))
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.append(data)

    def json(self, name: str) -> list[Any]:
        """The parts called ``saved`` or ``view``."""
        return [json.loads(text) for attributes, text in self.scripts if attributes.get("data-fixlip") == name]


def unpacked(packed: dict[str, Any]) -> np.ndarray:
    """The array in a saved page, as ``js/src/offline/saved.ts`` reads it."""
    numbers = np.frombuffer(base64.b64decode(packed["data"]), dtype=f"<{packed['packed']}").astype(np.float64)
    if not packed["upper"]:
        return numbers.reshape(packed["shape"])
    whole = np.zeros(packed["shape"])
    whole[np.triu_indices(len(whole), 1)] = numbers
    return whole + whole.T
