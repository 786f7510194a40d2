"""The widget's traits: settings, written by kernel and view, and answers, written only by the kernel."""

from __future__ import annotations

from typing import Any

import traitlets as t

from fixlip_widgets.support.checks import DEFAULT_BUDGET

STATUSES = ("idle", "running", "cancelled", "done", "error")


class Settings(t.HasTraits):
    """Settings that the user changes from Python or in the view; every value is validated."""

    p = t.Float(0.5).tag(sync=True)
    budget = t.Int(DEFAULT_BUDGET).tag(sync=True)
    text = t.Unicode("").tag(sync=True)
    method = t.Unicode("banzhaf").tag(sync=True)
    order = t.Int(2).tag(sync=True)
    selection = t.Tuple().tag(sync=True)
    removed = t.Tuple().tag(sync=True)
    top_k = t.Int(24).tag(sync=True)
    graph_layout = t.Unicode("anchored").tag(sync=True)
    graph_kind = t.Unicode("all").tag(sync=True)
    graph_sign = t.Unicode("both").tag(sync=True)
    subset_size = t.Int(0).tag(sync=True)
    subset_sign = t.Unicode("positive").tag(sync=True)
    view = t.Unicode("graph").tag(sync=True)
    block = t.Unicode("cross").tag(sync=True)
    shown = t.Unicode("current").tag(sync=True)
    palette = t.Unicode("house").tag(sync=True)
    theme = t.Unicode("auto").tag(sync=True)


class Answers(t.HasTraits):
    """Data that the kernel sends to the view; ``js/src/wire/types.ts`` documents each trait.

    They are not messages, because messages are lost before a view mounts and are never saved.
    """

    live = t.Bool(True).tag(sync=True)
    offline: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    autorun = t.Bool(True).tag(sync=True)
    generation: t.Int[int, int] = t.Int(0).tag(sync=True)
    status = t.Enum(STATUSES, "idle").tag(sync=True)
    error = t.Unicode("").tag(sync=True)
    scene: t.Dict[str, Any] = t.Dict().tag(sync=True)
    costs = t.Dict().tag(sync=True)
    options = t.Dict().tag(sync=True)
    result: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    pinned: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    difference: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    graph_data: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    subsets: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    group: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    played: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    examples: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    convergence = t.List().tag(sync=True)
    measured = t.List().tag(sync=True)
    measuring = t.Bool(False).tag(sync=True)
    measure_cost: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    undoable = t.Unicode("").tag(sync=True)
