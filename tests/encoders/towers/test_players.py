import numpy as np
import pytest
from PIL import Image

from fixlip_widgets import FixlipWidget, IncrementalExplainer, InputError, VisionLanguageGame, explain
from fixlip_widgets.encoders.towers import PixelImageTower
from tests.encoders.towers import properties
from tests.encoders.towers.families import game, model
from tests.golden import tiny_clip, tiny_game, tiny_pixels

HALVES = np.repeat([[7, 3]], 64, axis=0).repeat(32, axis=1)  # left 7, right 3


def test_cells_of_a_coarser_grid_are_made_of_whole_patches():
    pair = game(model("CLIP 14-pixel patches of 64 pixels"), grid=(2, 2))
    assert pair.labels[27, 27] == 0
    assert pair.labels[28, 28] == 3
    assert pair.labels[63, 63] == 3  # beyond the last whole patch
    properties.masking_embeddings_is_masking_pixels(pair)
    properties.removed_pixels_have_no_gradient(pair)


def test_a_label_map_is_numbered_by_its_values():
    pair = tiny_game(regions=HALVES)
    assert (pair.n_image, pair.grid) == (2, (1, 2))
    assert pair.regions[0, 0] == 1
    halves = tiny_game(grid=(1, 2))
    masks = np.array([[True, False], [False, True], [False, False]])
    np.testing.assert_allclose(pair.image_embeddings(masks[:, ::-1]), halves.image_embeddings(masks), atol=2e-6)


def test_regions_of_whole_patches_are_masked_after_the_patch_embedding():
    assert not isinstance(tiny_game(regions=HALVES).image_tower, PixelImageTower)
    shifted = np.roll(HALVES, 1, axis=1)
    assert isinstance(tiny_game(regions=shifted).image_tower, PixelImageTower)


@pytest.mark.parametrize("size", [(150, 100), (100, 150), (64, 64), (37, 41)])
def test_a_label_map_of_the_picture_is_resized_and_cropped_with_it(size):
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    white = (columns - width / 2) * height > (rows - height / 2) * width  # parted along the diagonal
    picture = np.repeat(np.where(white, 255, 0).astype(np.uint8)[:, :, None], 3, axis=2)
    pair = VisionLanguageGame(tiny_clip(), picture, "a cat", regions=white.astype(int))
    seen = pair.model.denormalise(pair.pixels)[:, :, 0] > 127
    assert (seen == (pair.regions == 1)).mean() > 0.97


@pytest.mark.parametrize("count", [9, 30])
def test_superpixels_follow_the_picture(count):
    pytest.importorskip("skimage")
    picture = Image.new("RGB", (64, 64), "navy")
    picture.paste("orange", (10, 12, 40, 50))
    pair = VisionLanguageGame(tiny_clip(), picture, "a cat", regions=count)
    assert pair.n_image == count
    colours = pair.model.denormalise(pair.pixels)[:, :, 0] > 127
    inside = [colours[pair.regions == player].mean() for player in range(pair.n_image)]
    assert np.mean([share < 0.1 or share > 0.9 for share in inside]) > 0.7
    assert pair.similarity == pytest.approx(VisionLanguageGame(tiny_clip(), picture, "a cat").similarity, abs=1e-5)


def test_superpixels_are_numbered_by_a_grid_that_is_not_a_strip():
    pytest.importorskip("skimage")
    picture = Image.effect_mandelbrot((64, 64), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    for count in range(8, 24):
        rows, columns = VisionLanguageGame(tiny_clip(), picture, "a cat", regions=count).grid
        assert columns <= 2 * rows
        assert count - 3 <= rows * columns <= count


def test_views_draw_regions_on_the_picture_itself():
    with_regions, plain = tiny_game(regions=HALVES), tiny_game()
    np.testing.assert_array_equal(with_regions.picture, plain.picture)


def test_another_picture_gets_superpixels_of_its_own():
    pytest.importorskip("skimage")
    first, second = Image.new("RGB", (64, 64), "navy"), Image.effect_mandelbrot((64, 64), (-2, -1.5, 1, 1.5), 50)
    pair = VisionLanguageGame(tiny_clip(), first, "a cat", regions=12)
    before = pair.regions
    pair.set_image(second)
    assert pair.n_image == int(pair.regions.max()) + 1
    assert not np.array_equal(before, pair.regions)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regions": 1}, "from 2 to 1024"),
        ({"regions": np.zeros((3, 4), int)}, r"shape of the image, \(64, 64\)"),
        ({"regions": np.zeros((64, 64))}, "type float64"),
        ({"regions": np.zeros((64, 64, 3), int)}, "shape"),
        ({"regions": np.arange(64 * 64).reshape(64, 64)}, "4,096 regions"),
        ({"regions": HALVES, "grid": (2, 2)}, "not both"),
    ],
)
def test_regions_that_cannot_be_players_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        tiny_game(**options)


def test_regions_and_words_are_explained_like_any_players():
    pair = VisionLanguageGame(tiny_clip(), tiny_pixels(), "a dog's dinner", regions=HALVES, words=True)
    explainer = IncrementalExplainer(pair)
    explainer.extend(p=0.5, budget=256)
    explanation = explainer.explanation(p=0.5)
    assert explanation.tokens == ("a", "dog's", "dinner")
    joint = np.array([[bool(number >> player & 1) for player in range(5)] for number in range(32)])
    np.testing.assert_allclose(explanation.predict(joint).mean(), pair.value(joint).mean(), atol=1e-3)


def test_explanations_keep_the_players_and_masking_of_their_game():
    explanation = explain(
        tiny_pixels(),
        "a dog's dinner",
        model=tiny_clip(),
        regions=HALVES,
        words=True,
        masking="blur",
        budget=64,
        progress=False,
    )
    assert explanation.names == ("region 1", "region 2", "a", "dog's", "dinner")
    assert (explanation.image_word[1], explanation.text_word[1]) == ("regions", "words")
    assert explanation.image.shape == (64, 64, 3)
    np.testing.assert_array_equal(explanation.regions, (HALVES == 7).astype(int))
    assert explanation.masking == "blur"
    assert explanation.to_svg("overlay").count("<title") >= 2
    widget = FixlipWidget(explanation=explanation)
    assert widget.explanation is explanation
    widget.close()


def test_fingerprints_depend_on_the_players():
    prints = [
        tiny_game(**options).fingerprint()
        for options in ({}, {"regions": HALVES}, {"regions": HALVES.T}, {"words": True}, {"grid": (1, 2)})
    ]
    assert len({(each["grid"], each["caption"]) for each in prints}) == 5


def test_tokens_that_occur_twice_have_numbered_names():
    pair = VisionLanguageGame(tiny_clip(), tiny_pixels(), "a dog next to a cat", regions=HALVES, words=True)
    assert pair.tokens == ("a", "dog", "next", "to", "a", "cat")
    assert pair.names[2:] == ("a¹", "dog", "next", "to", "a²", "cat")
    assert [pair.player(name) for name in ("a¹", "a²", "cat", "region 2")] == [2, 6, 7, 1]
    with pytest.raises(InputError, match="occurs more than once; give an index: 2 and 6"):
        pair.player("a")
