"""Image players are drawn at their position in the image, and outlines of regions tile it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fixlip_widgets import Explanation, InputError
from fixlip_widgets.drawing.player_shapes import SIDE, grid_places, places_of, region_places
from fixlip_widgets.drawing.plotly import figure
from fixlip_widgets.drawing.static_html import html_still
from fixlip_widgets.drawing.svg import graph_svg, overlay_svg
from fixlip_widgets.drawing.trace_outlines import outlines
from fixlip_widgets.explanation.comparison import check_comparable
from fixlip_widgets.explanation.findings import findings
from tests.examples import random_explanation

RING = np.zeros((12, 16), dtype=int)
RING[2:10, 3:13] = 1
RING[4:8, 6:10] = 2
"""A frame around a ring around a block."""


def blobs(height: int, width: int, n: int, draw: int = 0) -> np.ndarray:
    """Return a (height, width) Voronoi diagram of n random points, with slopes in every direction."""
    rng = np.random.default_rng(draw)
    points = rng.uniform(0, [height, width], (n, 2))
    down, across = np.mgrid[:height, :width]
    nearest = ((down[..., None] - points[:, 0]) ** 2 + (across[..., None] - points[:, 1]) ** 2).argmin(axis=2)
    return np.unique(nearest, return_inverse=True)[1].reshape(height, width)


def with_regions(labels: np.ndarray, tokens: tuple[str, ...] = ("a", "dog"), **fields: object) -> Explanation:
    n = int(labels.max()) + 1
    image = np.random.default_rng(1).integers(0, 256, (2 * labels.shape[0], 2 * labels.shape[1], 3), dtype=np.uint8)
    return random_explanation(1, n, tokens, regions=labels, image=image, **fields)


def rings(path: str) -> list[list[tuple[int, int]]]:
    """Return the corners of each closed line of a path."""
    found = []
    for part in filter(None, path.split("z")):
        start, steps = re.fullmatch(r"M(\d+ \d+)l(.*)", part).groups()
        moves = np.array(re.findall(r"-?\d+", steps), dtype=int).reshape(-1, 2)
        corners = np.cumsum([np.array(start.split(), dtype=int), *moves], axis=0)
        found.append([(int(x), int(y)) for x, y in corners])
    return found


def area(path: str) -> float:
    """Return the area that a path encloses, minus its holes, in its own units."""
    return sum(
        sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2
        for ring in rings(path)
    )


@pytest.mark.parametrize("labels", [RING, blobs(40, 30, 12), blobs(25, 60, 40, 1), np.arange(12).reshape(3, 4)])
def test_outlines_tile_the_picture(labels: np.ndarray):
    height, width = labels.shape
    paths = outlines(labels, int(labels.max()) + 1)
    assert sum(map(area, paths)) == pytest.approx(4 * height * width)
    assert all(area(path) > 0 for path in paths)


@pytest.mark.parametrize("labels", [RING, blobs(40, 30, 12), blobs(25, 60, 40, 1)])
def test_an_outline_holds_its_pixels_and_no_others(labels: np.ndarray):
    for player, path in enumerate(outlines(labels, int(labels.max()) + 1)):
        scale, drawn = 8, Image.new("1", (8 * labels.shape[1], 8 * labels.shape[0]))
        for ring in rings(path):
            hole = Image.new("1", drawn.size)
            ImageDraw.Draw(hole).polygon([(x * scale // 2, y * scale // 2) for x, y in ring], fill=1)
            drawn = Image.fromarray(np.asarray(drawn) ^ np.asarray(hole))
        middles = np.asarray(drawn)[scale // 2 :: scale, scale // 2 :: scale]
        np.testing.assert_array_equal(middles, labels == player)


def test_a_region_may_have_holes_and_several_parts():
    labels = RING.copy()
    labels[0, 0], labels[11, 15] = 2, 2
    paths = outlines(labels, 3)
    assert [path.count("M") for path in paths] == [2, 2, 3]


def test_outlines_of_a_large_map_are_coarse_and_short():
    places = region_places(blobs(384, 256, 40), 40)
    assert max(places.raster.shape) == SIDE
    assert places.raster.shape[1] == round(SIDE * 256 / 384)
    assert sum(map(len, places.outlines)) < 12_000
    noise = np.random.default_rng(0).integers(0, 300, (336, 336))
    assert sum(map(len, region_places(noise, 300).outlines)) < 60_000


def test_a_region_of_one_pixel_is_not_lost():
    labels = np.zeros((224, 224), dtype=int)
    labels[100, 37] = 1
    places = region_places(labels, 2)
    assert places.outlines[1]
    np.testing.assert_allclose(places.centres[1], [37 / 224, 100 / 224], atol=0.01)


def test_a_regions_middle_lies_in_it():
    for labels in (RING, blobs(60, 60, 20)):
        n = int(labels.max()) + 1
        places = region_places(labels, n)
        x, y = (places.centres * labels.shape[::-1]).astype(int).T
        np.testing.assert_array_equal(labels[y, x], np.arange(n))
    np.testing.assert_allclose(region_places(RING, 3).centres[2], [0.5, 0.5])


def test_patches_lie_in_their_cells():
    places = grid_places((2, 3), (20, 31))
    np.testing.assert_allclose(places.centres[[0, 5]], [[1 / 6, 1 / 4], [5 / 6, 3 / 4]])
    assert (places.boxes[:, 2] * places.boxes[:, 3]).sum() == 20 * 31


def test_a_regions_explanation_is_saved_and_read_with_its_regions(tmp_path):
    explanation = with_regions(blobs(30, 20, 6), masking="mean", blank=np.zeros((30, 20, 3), np.uint8))
    explanation.save(tmp_path / "explanation.npz")
    read = Explanation.load(tmp_path / "explanation.npz")
    np.testing.assert_array_equal(read.regions, explanation.regions)
    np.testing.assert_array_equal(read.blank, explanation.blank)
    assert (read.names, read.masking) == (explanation.names, "mean")
    assert read.names[:2] == ("region 1", "region 2")


def test_a_file_without_regions_and_masking_is_read(tmp_path):
    random_explanation().save(tmp_path / "explanation.npz")
    read = Explanation.load(tmp_path / "explanation.npz")
    assert (read.regions, read.blank, read.masking) == (None, None, "")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((4, 4)), "float64"),
        (np.zeros(4, int), "shape"),
        (np.full((4, 4), 6), "numbered 0 to 5"),
        (np.full((4, 4), -1), "numbered 0 to 5"),
    ],
)
def test_invalid_label_maps_are_rejected(labels: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        random_explanation(2, 3, regions=labels)


def test_explanations_of_other_regions_are_not_compared():
    one, other = with_regions(blobs(30, 20, 6)), with_regions(blobs(30, 20, 6, 1))
    check_comparable(one, one)
    for pair in ((one, other), (one, one.replace(regions=None))):
        with pytest.raises(InputError, match="regions"):
            check_comparable(*pair)


def test_an_anchored_graph_has_regions_at_their_middles():
    explanation = with_regions(blobs(40, 40, 9))
    graph = explanation.to_networkx(layout="anchored", top_k=None)
    for player in range(9):
        x, y = graph.nodes[player]["pos"]
        middle = places_of(explanation).centres[player]
        np.testing.assert_allclose([x, y / graph.graph["image_height"]], middle)
        assert graph.nodes[player]["label"] == str(player + 1)


def test_a_drawing_has_heat_in_the_shape_of_the_regions():
    explanation = with_regions(RING)
    drawn = overlay_svg(explanation, limit=1e-6)
    for path in places_of(explanation).outlines:
        assert drawn.count(f'd="{path}"') == 1
    assert drawn.count("<title>region") == 3
    assert "<rect" not in drawn


def test_a_page_holds_outlines_once_however_many_drawings_refer_to_them():
    explanation = with_regions(blobs(60, 60, 20))
    page = html_still(explanation)
    for path in places_of(explanation).outlines:
        assert page.count(path) == 1
    ids = re.findall(r' id="(fixlip-(?:region|cut)[^"]+)"', page)
    assert len(ids) == len(set(ids)) == 40
    assert set(re.findall(r'(?:href="|url\()#(fixlip-(?:region|cut)[^")]+)', page)) <= set(ids)


@pytest.mark.parametrize("layout", ["anchored", "kamada_kawai"])
def test_regions_are_drawn_without_a_picture_too(layout: str):
    explanation = with_regions(RING).replace(image=None)
    assert graph_svg(explanation, layout=layout).startswith("<svg")
    assert "<title>region 2" in overlay_svg(explanation, limit=1e-6)


def test_the_plotly_overlay_has_each_value_where_its_region_is():
    explanation = with_regions(RING)
    (trace,) = figure(explanation, "overlay", player="dog").data
    np.testing.assert_allclose(trace.z, explanation.condition_on("dog")[RING])
    np.testing.assert_array_equal(trace.customdata, RING + 1)
    figure(explanation, "graph")
    (cross,) = figure(explanation, "cross").data
    assert cross.z.shape == (2, 3)


def test_sentences_mention_regions():
    explanation = with_regions(blobs(30, 30, 6), interactions_se=np.full((8, 8), 1e-6))
    text = " ".join(findings(explanation))
    assert "region" in text
    assert "patch" not in text
