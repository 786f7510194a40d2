"""Draw the pictures of the explanation pages from packaged scenes: ``python docs/draw_pictures.py``.

Each picture is drawn twice, for light and for dark pages.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.colors import LinearSegmentedColormap

import fixlip_widgets as fx
from fixlip_widgets.explainers.metrics.curves import coalitions

FOLDER = Path(__file__).parent / "pictures"
BUDGET = 2**14
LIGHT = {"ink": "#1f2328", "faint": "#8a9099", "positive": "#ff0d57", "negative": "#1e88e5", "zero": "#ffffff"}
DARK = {"ink": "#e6e8eb", "faint": "#8a9099", "positive": "#ff5c8d", "negative": "#5aaef2", "zero": "#131416"}
HIDDEN = "▁▁▁"
Colors = dict[str, str]
Drawing = Callable[[Colors], Any]


@cache
def game(scene: str, masking: str = "zero") -> fx.VisionLanguageGame:
    """Return the game of a packaged scene and its caption."""
    picture = fx.demo.scene(scene)
    return fx.VisionLanguageGame(fx.load_model(), picture.image, picture.caption, masking=masking)


@cache
def explainer(scene: str) -> fx.IncrementalExplainer:
    """Return the explainer of a scene, with masks at p = 0.5."""
    result = fx.IncrementalExplainer(game(scene))
    result.extend(0.5, budget=BUDGET)
    return result


@cache
def examples(scene: str) -> np.ndarray:
    """Return three masks drawn with p = 0.5, (3, players)."""
    return np.random.default_rng(0).random((3, game(scene).n_players)) < 0.5


def caption(scene: str, mask: np.ndarray) -> str:
    """Return the caption with a bar for each hidden token."""
    pair = game(scene)
    kept = mask[pair.n_image :]
    return " ".join(token if keep else HIDDEN for token, keep in zip(pair.tokens, kept, strict=True))


def picture(axes: Any, scene: str, mask: np.ndarray | None = None, masking: str = "zero") -> None:
    """Show the scene's image, as the encoder sees it if there is a mask."""
    pair = game(scene, masking)
    image = np.asarray(fx.demo.scene(scene).image) if mask is None else pair.masked_picture(mask[: pair.n_image])
    axes.imshow(image, extent=(0, pair.grid[1], pair.grid[0], 0), interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])


def tint(axes: Any, values: np.ndarray, colors: Colors) -> None:
    """Lay signed values of the patches over a picture."""
    scale = LinearSegmentedColormap.from_list("signed", [colors["negative"], "#ffffff", colors["positive"]])
    largest = np.abs(values).max()
    strength = np.abs(values) / largest
    painted = scale(values / largest / 2 + 0.5)
    painted[..., 3] = 0.25 + 0.65 * strength**0.5
    axes.pcolormesh(painted, linewidth=0, zorder=2)


def outline(axes: Any, region: np.ndarray, color: str) -> None:
    """Draw the border of a set of patches."""
    for row, column in np.argwhere(region):
        for (down, right), (x, y) in {
            (-1, 0): ((column, column + 1), (row, row)),
            (1, 0): ((column, column + 1), (row + 1, row + 1)),
            (0, -1): ((column, column), (row, row + 1)),
            (0, 1): ((column + 1, column + 1), (row, row + 1)),
        }.items():
            beside = (row + down, column + right)
            inside = all(0 <= at < size for at, size in zip(beside, region.shape, strict=True)) and region[beside]
            if not inside:
                axes.plot(x, y, color=color, linewidth=2.2, zorder=4, solid_capstyle="round")


def mask_step(colors: Colors, scene: str = "dog_and_banana") -> Any:
    """Draw three masked pairs."""
    figure, rows = plt.subplots(3, 1, figsize=(2.5, 6.9))
    for axes, letter, mask in zip(rows, "abc", examples(scene), strict=True):
        picture(axes, scene, mask)
        axes.set_title(f"{letter}", loc="left", fontweight="bold")
        axes.set_xlabel(caption(scene, mask), fontsize=8.5)
    return figure


def encode_step(colors: Colors, scene: str = "dog_and_banana") -> Any:
    """Draw the model's logits of the three masked pairs, beside those of the complete and the empty pair."""
    pair, masks = game(scene), examples(scene)
    values = [*pair.value(masks), pair.similarity, pair.empty_similarity]
    names = ["a", "b", "c", "complete", "empty"]
    figure, axes = plt.subplots(figsize=(2.5, 6.9))
    places = np.arange(len(values))[::-1]
    axes.barh(places, values, height=0.5, color=[colors["ink"]] * 3 + [colors["faint"]] * 2)
    for place, value, name in zip(places, values, names, strict=True):
        axes.text(0, place + 0.33, name, va="bottom", fontweight="bold" if len(name) == 1 else "normal")
        axes.text(max(value, 0) + 0.4, place, f"{value:.1f}", va="center")
    axes.axvline(0, color=colors["faint"], linewidth=1)
    axes.set_xlim(min(0, min(values)) - 0.5, max(values) * 1.3)
    axes.set_yticks([])
    axes.set_xlabel("logits")
    axes.spines[["top", "right", "left"]].set_visible(False)
    return figure


def fit_step(colors: Colors, scene: str = "dog_and_banana") -> Any:
    """Draw the interactions of two words, and the surrogate's values beside the model's."""
    pair, explanation = game(scene), explainer(scene).explanation(0.5)
    figure, rows = plt.subplots(3, 1, figsize=(2.5, 6.9))
    for axes, name in zip(rows, fx.demo.scene(scene).names, strict=False):
        picture(axes, scene)
        tint(axes, explanation.cross[pair.tokens.index(name)].reshape(pair.grid), colors)
        axes.set_title(f"interactions of “{name}”", loc="left")
    axes, masks = rows[-1], np.random.default_rng(6).random((200, pair.n_players)) < 0.5
    axes.scatter(explanation.predict(masks), pair.value(masks), s=5, color=colors["faint"], linewidths=0)
    values = pair.value(examples(scene))
    axes.plot(explanation.predict(examples(scene)), values, "o", markersize=5, color=colors["positive"])
    for letter, x, y in zip("abc", explanation.predict(examples(scene)), values, strict=True):
        axes.annotate(letter, (x, y), (-6, 3), textcoords="offset points", fontweight="bold", ha="right", va="bottom")
    axes.set_title("203 masked pairs, in logits", loc="left")
    axes.set_xlabel("sum of the kept terms")
    axes.set_ylabel("model")
    axes.set_box_aspect(1)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def maskings(colors: Colors, scene: str = "dog_and_banana") -> Any:
    """Draw one mask of the picture under three masking methods."""
    figure, columns = plt.subplots(1, 3, figsize=(6.4, 2.5))
    for axes, masking in zip(columns, ("zero", "mean", "blur"), strict=True):
        picture(axes, scene, examples(scene)[0], masking)
        axes.set_title(f'"{masking}"', loc="left")
    return figure


def pointing(colors: Colors, scene: str = "breakfast") -> Any:
    """Draw the interactions of every noun that the pointing game counts as right, and those it counts as wrong."""
    explanation, regions = explainer(scene).explanation(0.5), fx.demo.scene(scene).regions
    found = fx.metrics.pointing_game(explanation, regions)
    figure, places = plt.subplots(2, 2, figsize=(6.4, 7.0))
    for axes, (name, region) in zip(places.flat, regions.items(), strict=True):
        picture(axes, scene)
        tokens = fx.explainers.metrics.pointing.tokens_of(explanation, name)
        tint(axes, explanation.cross[tokens].sum(axis=0).reshape(region.shape), colors)
        for at, other in regions.items():
            outline(axes, other, colors["ink"] if at == name else "#8a9099")
        axes.set_title(f"“{name}”: {found.by_word[name]:.2f}", loc="left")
    figure.suptitle(f"all four: PGR {found.pgr:.2f}, chance {found.chance_signed:.2f}", x=0.02, ha="left")
    return figure


def curves(colors: Colors, scene: str = "dog_and_banana") -> Any:
    """Draw the insertion and the deletion curve, with the masked pictures of three sizes along each."""
    pair, explanation = game(scene), explainer(scene).explanation(0.5)
    found = fx.metrics.insertion_deletion(pair, explanation)
    shares = (0.2, 0.5, 0.8)
    figure = plt.figure(figsize=(6.4, 6.6))
    places = figure.subplot_mosaic("ABC\nXXX\nDEF", height_ratios=(1, 1.45, 1))
    axes = places["X"]
    axes.fill_between(found.kept, found.least, found.most, color=colors["faint"], alpha=0.25, linewidth=0)
    for sign, values, letters in ((1, found.most, "ABC"), (-1, found.least, "DEF")):
        color = colors["positive"] if sign > 0 else colors["negative"]
        axes.plot(found.kept, values, color=color, linewidth=2)
        sizes = np.array([round(share * pair.n_players) for share in shares])
        masks = coalitions(explanation, sign, sizes)
        levels = np.interp(shares, found.kept, values)
        axes.plot(shares, levels, "o", color=color)
        for letter, mask, share in zip(letters, masks, shares, strict=True):
            picture(places[letter], scene, mask)
            places[letter].set_title(f"{share:.0%} kept", loc="left", color=color)
            places[letter].set_xlabel(caption(scene, mask), fontsize=8.5)
    axes.axhline(0, color=colors["faint"], linewidth=1)
    between = (np.interp(0.5, found.kept, found.most) + np.interp(0.5, found.kept, found.least)) / 2
    axes.text(0.5, between, f"area between the curves: {found.aid:.2f}", ha="center", va="center")
    axes.set_xlabel("share of patches and tokens kept")
    axes.set_ylabel("0: empty pair, 1: full pair")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def save(draw: Drawing, name: str) -> None:
    """Write one drawing for light and one for dark pages."""
    for theme, colors in (("light", LIGHT), ("dark", DARK)):
        ink = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), colors["ink"])
        style = {**ink, "axes.edgecolor": colors["faint"], "svg.hashsalt": "fixlip", "font.size": 10}
        with mpl.rc_context({**style, "axes.titlesize": 10, "figure.constrained_layout.use": True}):
            figure = draw(colors)
            path = FOLDER / f"{name}-{theme}.svg"
            figure.savefig(path, transparent=True, metadata={"Date": None})
            plt.close(figure)


def main() -> None:
    """Draw everything."""
    FOLDER.mkdir(exist_ok=True)
    for draw in (mask_step, encode_step, fit_step, maskings, pointing, curves):
        save(draw, draw.__name__.replace("_", "-"))
    words = explainer("dog_and_banana").explanation(0.5).to_svg("words")
    (FOLDER / "words.svg").write_text(words, encoding="utf-8")


if __name__ == "__main__":
    main()
