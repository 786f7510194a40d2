"""Types of the traits and messages that kernel and view exchange.

``js/dev/wire_types.py`` writes them for TypeScript into ``js/src/wire/types.ts``. That script reads this file as text:
it may contain only type aliases and typed dictionaries, with their documentation.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

Status = Literal["idle", "running", "cancelled", "done", "error"]
Block = Literal["cross", "text_text", "image_image"]
ViewName = Literal["graph", "heatmap", "maps", "waterfall", "table"]
Sign = Literal["both", "positive", "negative"]
Level = Literal["auto", "simple", "all"]
"""How much the view shows; ``auto`` is what the user chose last in this browser, at first ``simple``."""
Shown = Literal["current", "pinned", "difference"]
"""Which explanation the views show: the current one (B), the pinned one (A), or B − A."""


class WireArray(TypedDict):
    """An array as float32 in row-major order."""

    shape: list[int]
    dtype: Literal["float32"]
    upper: NotRequired[bool]
    """Whether the data are the elements above the diagonal of a symmetric matrix, row by row. Absent: false."""
    data: memoryview


class Picture(TypedDict):
    """An encoded picture with its size in pixels."""

    mime: str
    data: memoryview
    width: int
    height: int


class Regions(TypedDict):
    """Image players that are regions of any shape; width and height give the units of paths and boxes."""

    width: int
    height: int
    paths: list[str]
    """Outlines, each as the ``d`` of an SVG path."""
    boxes: list[Annotated[tuple[float, float, float, float], "x, y, width, height"]]
    centres: list[Annotated[tuple[float, float], "x, y"]]
    """A point inside each region, in the unit square."""
    labels: NotRequired[memoryview]
    """The label map as a PNG, from which Python restores a saved explanation; the view does not read it."""


class Masking(TypedDict):
    """What replaces removed image players."""

    name: str
    """``zero``, ``mean``, ``blur`` or ``remove``."""
    says: str
    """A description in one sentence."""
    blank: Picture | None
    """The picture that the model sees with every image player removed."""


class Scene(TypedDict):
    """Image, caption and players."""

    image: Picture | None
    tokens: list[str]
    words: bool
    """Whether the tokens are whole words."""
    grid: Annotated[tuple[int, int], "rows, columns"]
    model: str
    regions: Regions | None
    """None if image players are the cells of the grid; otherwise the grid only numbers them."""
    masking: Masking | None
    """None if unknown."""


class Computation(TypedDict):
    """What identifies the computation of an explanation."""

    caption: str
    method: str
    order: int
    p: float
    budget: int
    seed: int | None
    image_encodes: int
    text_encodes: int


class Triple(TypedDict):
    """A third-order term."""

    players: Annotated[tuple[int, int, int], "i, j, k"]
    value: float
    se: float | None
    significant: NotRequired[bool | None]
    """None if the standard error is unknown. Absent in old pages."""


class Part(TypedDict):
    """A part of the similarity: a sum of terms of one kind; the last one is the sum of all parts."""

    kind: Literal[
        "baseline", "image", "text", "image_image", "text_text", "cross", "third", "residual", "similarity", "surrogate"
    ]
    value: float
    se: float | None
    """None if unknown."""


class Share(TypedDict):
    """Share of one kind of term in the variance over masks."""

    kind: Literal["image", "text", "image_image", "text_text", "cross", "third"]
    label: str
    value: float
    se: float | None
    """None if unknown."""


class Shares(TypedDict):
    """How much of the variance over masks each kind of term explains."""

    parts: list[Share]
    rest: float
    """Share that the explanation does not explain."""
    why: str
    """Why shares are not defined, or empty."""


class Facts(Computation):
    """Everything about an explanation except its arrays."""

    generation: int
    """Number of the request that it answers; never decreases."""
    partial: bool
    """Whether the refinement is still running."""
    in_logits: NotRequired[bool]
    """Whether the values are logits; otherwise only their order and sign are meaningful. Absent in old pages: true."""
    tokens: list[str]
    words: NotRequired[bool]
    """Whether the tokens are whole words. Absent in old pages: false."""
    grid: Annotated[tuple[int, int], "rows, columns"]
    regions: bool
    """Whether image players are regions of any shape, which the grid only numbers."""
    identified: dict[Block, bool]
    effective_image_masks: float | None
    masks: NotRequired[str]
    """How sampled masks were drawn, or empty. Absent in old pages."""
    conservative_errors: NotRequired[bool]
    """Whether standard errors are upper bounds. Absent in old pages: false."""
    relative_error: NotRequired[float | None]
    """Typical standard error relative to the largest term; None if unknown. Absent in old pages."""
    whole_arrays: NotRequired[int]
    """Number of whole orthogonal arrays that the image masks are; 0 for other masks. Absent in old pages."""
    ridge: float | None
    similarity: float | None
    empty_similarity: float | None
    baseline: float | None
    residual: float | None
    r2: float | None
    spearman: float | None
    r2_in_sample: float | None
    findings: list[str]
    """A sentence on each player, and one on the whole explanation last."""
    trust: NotRequired[Trust]
    """Absent in old pages."""
    significant: NotRequired[SignificantBits]
    """Absent in old pages."""
    degrees_of_freedom: NotRequired[list[float | None]]
    """Those of standard errors of terms with 0, 1 and 2 image players; None if infinite. Absent in old pages."""
    patch_words: NotRequired[list[int]]
    """Text player to which each image player belongs, numbered from 0; -1 if none. Absent in old pages."""
    parts: NotRequired[list[Part]]
    """What adds up to the similarity; empty for a difference of unlike methods. Absent in old pages."""
    choice: NotRequired[Choice | None]
    """None for an image–caption pair. Absent in old pages."""
    unit: NotRequired[str]
    """``logits``, ``nats`` for a log-probability, or empty. Absent in old pages."""
    triples: list[Triple]
    """Third-order terms, strongest first; empty below order 3."""
    shares: NotRequired[Shares | None]
    """None for partial results and differences. Absent in old pages."""
    provenance: list[Annotated[tuple[str, str], "label, value"]]
    """Model, weights, tokenizer, seed, p, budget and versions, in display order."""
    code: str
    """Python code that reproduces the explanation."""


class Trust(TypedDict):
    """How far the explanation can be trusted."""

    word: Literal["high", "moderate", "low", "unknown"]
    why: str
    """A sentence with the numbers from which the word follows."""


class SignificantBits(TypedDict):
    """Which terms are significant, as base64 of bits, eight in a byte, the first in the highest bit."""

    main: str
    interactions: str
    """The elements above the diagonal, row by row."""


class WireResult(Facts):
    """An explanation; ``main`` has shape (n,), ``interactions`` (n, n)."""

    first_order: NotRequired[WireArray]
    """(n,) weighted Banzhaf values, if image players are the only ones. Absent for pairs and in old pages."""
    main: WireArray
    main_se: WireArray | None
    interactions: WireArray
    interactions_se: WireArray | None


class GraphNode(TypedDict):
    """A player, or a third-order term, whose numbers start at the number of players."""

    player: int
    kind: Literal["patch", "token", "term"]
    label: str
    weight: NotRequired[float]
    """Value of a third-order term; absent for a player."""
    se: NotRequired[float | None]
    pos: Annotated[tuple[float, float], "x, y"]
    """Place in the unit square, y downward."""


class GraphEdge(TypedDict):
    """An interaction; an edge of kind ``term`` joins a third-order term to one of its players."""

    source: int
    target: int
    weight: float
    se: float | None
    significant: NotRequired[bool | None]
    """None if the standard error is unknown. Absent in old pages."""
    kind: Block | Literal["term"]


class Graph(TypedDict):
    """The explanation graph; its edges are sorted, strongest first."""

    generation: int
    shown: Shown
    nodes: list[GraphNode]
    edges: list[GraphEdge]


class Method(TypedDict):
    """A method of explanation; one that offers only order 1 has no interactions."""

    name: str
    label: str
    orders: list[int]
    uses_p: bool
    uses_budget: bool


class Options(TypedDict):
    """Allowed values of settings."""

    palettes: dict[str, Annotated[tuple[str, str], "positive, negative"]]
    word_colors: NotRequired[list[str]]
    """Colours of words and of the patches that belong to them, the most distinct ones first. Absent in old pages."""
    layouts: list[str]
    kinds: list[str]
    signs: list[str]
    methods: list[Method]


class Cost(TypedDict):
    """Cost of a budget, given the encodings that exist."""

    image: int
    text: int
    new_image: int
    new_text: int
    """Encodings still to compute at the current p."""
    seconds: float | None
    """Estimate from earlier encodings on this machine; None before the first."""
    megabytes: float
    """Upper bound of the memory in addition to the model's."""
    whole_array: NotRequired[int]
    """The budget, if its image masks are exactly one whole orthogonal array. Absent: they are not."""


class Examples(TypedDict):
    """Masks drawn at p, each a string with one character per player: 1 keeps the player, 0 removes it."""

    p: float
    masks: list[str]


class ConvergencePoint(TypedDict):
    """The error at one budget; the last point belongs to the current explanation."""

    budget: int
    image_encodes: int
    error: float
    """Root mean square standard error of the cross-modal interactions (of classes: of all), in logits."""


class Faithfulness(TypedDict):
    """Agreement of explanation and model on new masks at p."""

    p: float
    spearman: float | None
    r2: float | None
    masks: int


class Measured(Computation):
    """Measured faithfulness of an explanation by any method."""

    label: str
    uses_p: bool
    uses_budget: bool
    in_logits: bool
    """Whether the values are logits; otherwise R² is not meaningful."""
    most: list[float]
    """51 values of the most similar coalitions with 0 to 100 % of the players kept; empty pair 0, full pair 1."""
    least: list[float]
    """The same for the least similar coalitions."""
    aid: float
    """Mean of ``most`` − ``least``."""
    faithfulness: list[Faithfulness]
    """In ascending order of p; shorter during a measurement or after a cancelled one."""


class MeasureCost(TypedDict):
    """Upper bound of the cost of the missing measurements."""

    image: int
    text: int
    seconds: float | None
    p: list[float]
    masks: int
    """Number of new masks at each p."""


class Group(TypedDict):
    """Sums over the interactions of the selected players."""

    generation: int
    shown: Shown
    selection: list[int]
    se: WireArray | None
    """(n,) standard errors of the summed interactions with each other player."""
    total: float
    """Sum of the interactions with all other players."""
    total_se: float | None
    within: float
    """Sum of the interactions among the selected players."""
    within_se: float | None


class Candidates(TypedDict):
    """The classes, in the order of the setting ``classes``; values of the model for the complete image."""

    names: list[str]
    logits: WireArray
    """(k,)."""
    probabilities: WireArray
    """(k,)."""
    softmax: bool
    """Whether probabilities are against all classes (softmax); otherwise each is its own (sigmoid)."""
    templates: list[str]


class ClassMaps(TypedDict):
    """The maps of some classes: weighted Banzhaf values of the image players, by one linear regression for all."""

    generation: int
    names: list[str]
    """(m,) names, the most probable class first."""
    values: WireArray
    """(m, n), in logits."""
    significant: str
    """(m, n) base64 of bits, row by row: which values are significant (Holm, within each class)."""


class Choice(TypedDict):
    """What is explained, if it is one of several classes or images."""

    kind: Literal["class", "image"]
    name: str
    minus: str | None
    """The class or image that a contrast subtracts."""


class Played(TypedDict):
    """The masked pair of the playground."""

    generation: int
    removed: list[int]
    value: float | None
    """The model's value, in logits; None during its computation or without a model."""
    prediction: float | None
    """The explanation's prediction for the same pair."""
    probabilities: NotRequired[WireArray | None]
    """(k,) probabilities of the classes in the order of ``Candidates``; None if unknown. Absent for pairs."""
    picture: Picture | None
    """The picture as the encoder sees it; None if no image player is removed or without a model."""
    why: str
    """Reason for a missing value, or empty."""


class Subset(TypedDict):
    """Players and their value: Σ main + Σ interactions within the subset, in logits."""

    players: list[int]
    value: float


class Subsets(TypedDict):
    """The most (``positive``) and least (``negative``) similar subset of each size from 1 on."""

    generation: int
    shown: Shown
    positive: list[Subset]
    negative: list[Subset]


class Pinned(TypedDict):
    """The explanation to compare with, and its short description: caption, method and p."""

    label: str
    result: WireResult


class Difference(TypedDict):
    """Current minus pinned explanation, on the current explanation's players."""

    result: WireResult
    unmatched: list[int]
    """Players that the pinned explanation does not have; their pinned values count as 0."""
    partners: NotRequired[list[int | None]]
    """For each text player, numbered from 0, the matching one of the pinned explanation. Absent in old notebooks."""


class Offline(TypedDict):
    """What a page without a kernel can show: p, budgets and captions computed in advance, in ascending order."""

    p: list[float]
    """Values of p with an explanation of the shown caption."""
    budgets: list[int]
    """Budgets with one at the shown p."""
    pairs: list[Annotated[tuple[float, int], "p, budget"]]
    """p and budget of each explanation of the shown caption."""
    captions: list[str]
    playable: list[int]
    """Players whose removal was computed in advance."""
    why: str
    """A sentence to show beside everything that needs a model."""


class Settings(TypedDict):
    """Traits that kernel and view write."""

    p: float
    budget: int
    stop_at: float | None
    """Target of ``relative_error`` at which encoding stops. None: the budget is spent."""
    text: str
    classes: list[str]
    """Names of the classes; empty for an image–caption pair."""
    chosen: list[str]
    """The explained class, or two: why the first rather than the second."""
    method: str
    order: int
    selection: list[int]
    removed: list[int]
    """Players hidden in the playground."""
    top_k: int
    graph_layout: str
    graph_kind: str
    graph_sign: Sign
    subset_size: int
    """Number of players in the subset that the graph shows; 0 for none."""
    subset_sign: Literal["positive", "negative"]
    view: ViewName
    heatmap_kind: Block
    shown: Shown
    compare_with: str | None
    """Caption whose explanation, from the same masks, is pinned. None: none is."""
    palette: str
    theme: str
    level: Level


class Traits(Settings):
    """All traits that the view reads; those that are not settings are written only by the kernel."""

    live: bool
    offline: Offline | None
    autorun: bool
    generation: int
    status: Status
    error: str
    scene: Scene
    costs: dict[str, Cost]
    """Exponent of the budget → its cost."""
    options: Options
    result: WireResult | None
    pinned: Pinned | None
    difference: Difference | None
    graph_data: Graph | None
    """Graph of the explanation that is ``shown``."""
    subsets: Subsets | None
    group: Group | None
    played: Played | None
    candidates: Candidates | None
    """None for an image–caption pair."""
    class_maps: ClassMaps | None
    examples: Examples | None
    convergence: list[ConvergencePoint]
    measured: list[Measured]
    """Measured explanations of all captions, the newest last."""
    measuring: bool
    measure_cost: MeasureCost | None
    """None if the shown explanation cannot be measured."""
    undoable: str
    """Description of the change that undo reverts (“p 0.5 → 0.7”), or empty."""


class Progress(TypedDict):
    """Progress of a refinement or of a measurement."""

    type: Literal["progress", "measuring"]
    generation: int
    fraction: float | None
    seconds_left: float | None
    image_done: int
    image_total: int
    text_done: int
    text_total: int


class Refusal(TypedDict):
    """Rejection of a setting or a request, with the reason."""

    type: Literal["refused"]
    name: str
    message: str


class Received(TypedDict):
    """Confirmation that settings of a view arrived, even if they change nothing else."""

    type: Literal["received"]


class ToKernel(TypedDict):
    """A request: ``pin`` keeps the current explanation as A, ``more`` doubles the reached budget, ``cancel`` stops."""

    type: Literal["run", "more", "cancel", "undo", "reset", "pin", "unpin", "measure"]
