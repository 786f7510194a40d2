"""A widget in this process and its view in a browser, connected without Jupyter.

The view is the built front end; its model passes messages through :meth:`Bridge.pump`, in order, as a comm does.
"""

from __future__ import annotations

import base64
import queue
import time
from typing import Any, cast

from ipywidgets.widgets.widget import _put_buffers  # pyright: ignore[reportUnknownVariableType, reportPrivateUsage]
from playwright.sync_api import Page

from fixlip_widgets import Explanation, FixlipWidget
from fixlip_widgets.pages.js_bundle import built
from tests.e2e.view import View

MODEL = """async ({code, state}) => {
    const revive = value => Array.isArray(value) ? value.map(revive)
        : value === null || typeof value !== 'object' ? value
        : 'base64' in value
        ? new DataView(Uint8Array.from(atob(value.base64), each => each.charCodeAt(0)).buffer)
        : Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revive(part)]));
    const handlers = new Map(), changed = {}, outgoing = [];
    let current = revive(state);
    const emit = (event, message) => [...(handlers.get(event) ?? [])].forEach(handler => handler(message));
    const model = {
        get: name => current[name],
        set: (name, value) => {
            if (current[name] !== value) {
                current = {...current, [name]: value};
                changed[name] = value;
                emit(`change:${name}`);
            }
        },
        save_changes: () => {
            if (Object.keys(changed).length > 0) {
                outgoing.push({method: 'update', state: {...changed}});
                Object.keys(changed).forEach(name => delete changed[name]);
            }
        },
        send: content => outgoing.push({method: 'custom', content}),
        on: (event, handler) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
        off: (event, handler) => handlers.get(event)?.delete(handler),
    };
    window.exchange = messages => {
        for (const message of messages) {
            if (message.method === 'update') {
                const state = revive(message.state);
                current = {...current, ...state};
                Object.keys(state).forEach(name => emit(`change:${name}`));
            } else {
                emit('msg:custom', revive(message.content));
            }
        }
        return outgoing.splice(0);
    };
    const url = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
    const widget = (await import(url)).default;
    window.close_view?.();
    document.body.replaceChildren();
    const el = document.createElement('div');
    document.body.append(el);
    window.close_view = widget.render({model, el});
}"""


class Bridge:
    """A widget and its view.

    Attributes:
        view: The view in the page.
        results: Every result that was sent, with its generation.
        dead: Whether messages are lost, as with a kernel that died.
    """

    def __init__(self, widget: FixlipWidget, page: Page) -> None:
        self.widget, self.page = widget, page
        self.view = View(page, page.locator(".fixlip"))
        self.results: list[tuple[int, Explanation]] = []
        self.dead = False
        self._incoming: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with widget._screen.lock:  # pyright: ignore[reportPrivateUsage]  # so that no message falls between
            cast(Any, widget.comm).publish_msg = self._publish
            state = widget.get_state()
            self._note_result(state)
        page.evaluate(MODEL, {"code": built("widget.js"), "state": _plain(state)})

    def _publish(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        if data and data["method"] == "update":
            _put_buffers(data["state"], data["buffer_paths"], buffers or [])
            self._note_result(data["state"])
        if data and data["method"] in ("update", "custom"):
            self._incoming.put(_plain(data))

    def _note_result(self, state: dict[str, Any]) -> None:
        explanation = self.widget.explanation
        if state.get("result") and explanation is not None:
            self.results.append((state["result"]["generation"], explanation))

    def pump(self) -> int:
        """Deliver the messages of both sides; return their number."""
        messages: list[dict[str, Any]] = []
        while not self._incoming.empty():
            messages.append(self._incoming.get())
        sent = self.page.evaluate("messages => window.exchange(messages)", [] if self.dead else messages)
        for data in [] if self.dead else sent:
            self.widget._handle_msg({"content": {"data": data}, "buffers": []})  # pyright: ignore[reportPrivateUsage]
        return len(messages) + len(sent)

    def settle(self, seconds: float = 60.0) -> None:
        """Deliver messages until both sides are at rest and the view is drawn."""
        deadline, quiet = time.monotonic() + seconds, 0
        while quiet < 2:
            assert time.monotonic() < deadline, "the view does not come to rest"
            at_rest = self.widget.wait(0.02)
            quiet = quiet + 1 if self.pump() == 0 and at_rest else 0
            self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def close(self) -> None:
        """Close the view and the widget."""
        self.page.evaluate("() => { window.close_view(); window.close_view = undefined; }")
        self.widget.close()


def _plain(value: Any) -> Any:
    """Return ``value`` for the browser, with bytes as base64."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in cast("list[Any]", value)]
    return value
