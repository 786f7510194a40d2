"""The widget's traits, which pages share: settings and answers."""

from __future__ import annotations

from typing import Any

import traitlets as t

from fixlip_widgets.support.checks import DEFAULT_BUDGET, MAX_BUDGET

STATUSES = ("idle", "running", "cancelled", "done", "error")


class WidgetTraits(t.HasTraits):
    """The state of a widget; ``wire_types.py`` documents each synchronised trait.

    Settings are written by the kernel and the view, and every value is validated. Answers are written only by the
    kernel. They are not messages, because messages are lost before a view mounts and are never saved. The last three
    attributes stay in the kernel.
    """

    # settings
    p = t.Float(0.5).tag(sync=True, setting=True)
    budget = t.Int(DEFAULT_BUDGET).tag(sync=True, setting=True)
    stop_at: t.Float[Any, Any] = t.Float(None, allow_none=True).tag(sync=True, setting=True)
    text = t.Unicode("").tag(sync=True, setting=True)
    classes = t.Tuple().tag(sync=True, setting=True)
    chosen = t.Tuple().tag(sync=True, setting=True)
    method = t.Unicode("banzhaf").tag(sync=True, setting=True)
    order = t.Int(2).tag(sync=True, setting=True)
    selection = t.Tuple().tag(sync=True, setting=True)
    removed = t.Tuple().tag(sync=True, setting=True)
    top_k = t.Int(24).tag(sync=True, setting=True)
    graph_layout = t.Unicode("anchored").tag(sync=True, setting=True)
    graph_kind = t.Unicode("cross").tag(sync=True, setting=True)
    graph_sign = t.Unicode("both").tag(sync=True, setting=True)
    subset_size = t.Int(0).tag(sync=True, setting=True)
    subset_sign = t.Unicode("positive").tag(sync=True, setting=True)
    view = t.Unicode("graph").tag(sync=True, setting=True)
    heatmap_kind = t.Unicode("cross").tag(sync=True, setting=True)
    shown = t.Unicode("current").tag(sync=True, setting=True)
    compare_with: t.Unicode[Any, Any] = t.Unicode(None, allow_none=True).tag(sync=True, setting=True)
    palette = t.Unicode("house").tag(sync=True, setting=True)
    theme = t.Unicode("auto").tag(sync=True, setting=True)
    level = t.Unicode("auto").tag(sync=True, setting=True)

    # answers
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
    candidates: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    class_maps: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    examples: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    convergence = t.List().tag(sync=True)
    measured = t.List().tag(sync=True)
    measuring = t.Bool(False).tag(sync=True)
    measure_cost: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)
    undoable = t.Unicode("").tag(sync=True)
    kept: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)

    # in the kernel only
    idle_share = t.Float(0.5, min=0.0, max=1.0)
    max_budget: int = MAX_BUDGET
    last_traceback: str = ""


SETTINGS = frozenset(WidgetTraits.class_trait_names(setting=True))
"""Names of the settings, which a view may change."""
