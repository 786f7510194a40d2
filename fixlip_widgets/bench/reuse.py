"""Cost of another p, another caption and twice the budget on a filled pool."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from fixlip_widgets import IncrementalExplainer, VisionLanguageGame, demo, load_model
from fixlip_widgets.bench.measure import Row, best_of
from fixlip_widgets.estimators.masks import draw_masks
from fixlip_widgets.explainers.encoding_plan import planned_encodes
from fixlip_widgets.support.meter import metered

_ROUNDS = 3


def rows() -> Iterator[Row]:
    """Yield measurements on the demo model, with 64 patches and 8 tokens."""
    model, scene = load_model(), demo.scene("dog_and_banana")
    game = VisionLanguageGame(model, scene.image, "a dog next to a banana and apple")
    explainer = IncrementalExplainer(game)
    for p in (0.3, 0.5, 0.7):
        explainer.extend(p, 16_000)  # about 1,000 image masks each
    masks = explainer.image_encodes
    fresh = (0.45 + 0.001 * step for step in count())  # explanations of a repeated p are cached
    explainer.explanation(next(fresh))
    (seconds,) = best_of(5, lambda: explainer.explanation(next(fresh)))
    yield Row(
        f"explanation at a covered p, {game.n_image} patches, {game.n_text} tokens, {masks:,} masks",
        1000 * seconds,
        "ms",
        at_most=60,
    )
    with metered() as cost:
        explainer.set_text("two cats above a green car")
        explainer.explanation()
    yield Row("another caption on a filled pool", cost.seconds, "s", at_most=1)
    yield Row("  additional image encodings", explainer.image_encodes - masks, "", at_most=0)
    yield _doubling(game)


def _doubling(game: VisionLanguageGame) -> Row:
    halves = [IncrementalExplainer(game) for _ in range(_ROUNDS)]
    for half in halves:
        half.extend(0.5, 2**16)
        half.explanation()
    before, waiting = halves[0].image_encodes, iter(halves)

    def double() -> None:
        half = next(waiting)
        half.extend(0.5, 2**17)
        half.explanation()

    added = planned_encodes(game, 2**17)[0] - before
    fresh = draw_masks(game.n_image, 0.5, 0, added, seed=9, stream=5)
    doubling, encoding = best_of(_ROUNDS, double, lambda: game.image_embeddings(fresh))
    return Row(f"doubling the budget ÷ encoding its {added:,} new masks", doubling / encoding, "×", at_most=1.1)
