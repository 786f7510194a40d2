"""The widget's traits: settings, which both sides write, and answers, which the kernel alone writes."""

from __future__ import annotations

from typing import Any

import traitlets as t

from fixlip_widgets.support.checks import DEFAULT_BUDGET

STATUSES = ("idle", "running", "cancelled", "done", "error")


class Settings(t.HasTraits):
    """What a person sets, from Python or in the view; every value is checked, whichever side it comes from."""

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
    """What the kernel tells the view. Messages are lost before a view mounts and are never saved, so these are traits.

    What each holds is written down in ``js/src/protocol.ts``.
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
