"""The static form is self-contained, shows the explanation's values, and escapes every text."""

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from fixlip_widgets.drawing.static_html import html_still
from fixlip_widgets.drawing.svg import graph_svg, overlay_svg, words_svg
from fixlip_widgets.drawing.word_colors import word_colors
from fixlip_widgets.errors import InputError
from tests.examples import dog_and_hydrant, random_explanation

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>",
    "</svg><script>alert(2)</script>",
    '" onload="alert(3)',
    "' onerror='alert(4)",
    "</title></style><img src=x onerror=alert(5)>",
    "&lt;b&gt;",
    "]]><!--",
    "a\x00b\x1b\ud800",
    "javascript:alert(6)",
)
NO_PAGE_HAS = {"script", "iframe", "object", "embed", "link", "form", "base", "img", "foreignobject"}


class Page(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self.open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self):
        return "\n".join(self.texts)


def clean(text):
    """Replace the characters of ``text`` that XML does not allow."""
    return re.sub("[\x00\x1b\ud800]", "\ufffd", text)


def hostile_explanation():
    return random_explanation(
        3, 3, HOSTILE, caption=" ".join(HOSTILE), method=HOSTILE[0], model={"name": HOSTILE[1], "weights": HOSTILE[4]}
    )


def pictures(page):
    return [attributes["href"] for tag, attributes in Page(page).elements if tag == "image"]


def heat(drawn):
    """Return opacity and colour of every patch with heat, by name."""
    rects = ET.fromstring(drawn).iter(f"{SVG}rect")
    return {
        rect[0].text.split(":")[0]: (float(rect.get("fill-opacity")), rect.get("fill")) for rect in rects if len(rect)
    }


# -- one file -------------------------------------------------------------------------------------------------------


def test_the_page_refers_to_nothing_outside_itself():
    page = html_still(dog_and_hydrant())
    ids = {attributes["id"] for _, attributes in Page(page).elements if "id" in attributes}
    for tag, attributes in Page(page).elements:
        assert tag not in NO_PAGE_HAS
        for name in ("href", "src", "xlink:href", "action"):
            target = attributes.get(name)
            assert target is None or target.startswith("data:image/jpeg;base64,") or target.removeprefix("#") in ids
    assert "@import" not in page
    assert not re.search(r"url\((?!#fixlip)", page)


def test_the_picture_is_in_the_page_once():
    explanation = dog_and_hydrant()
    (uri,) = pictures(html_still(explanation))
    with Image.open(BytesIO(base64.b64decode(uri.split(",")[1]))) as picture:
        assert picture.size == (224, 224)
        assert np.abs(np.asarray(picture).astype(float) - explanation.image).mean() < 3


def test_every_reference_within_the_page_has_a_target():
    elements = Page(html_still(dog_and_hydrant())).elements
    ids = {a["id"] for _, a in elements if "id" in a}
    used = {a["href"][1:] for tag, a in elements if tag == "use"}
    used |= {a["clip-path"][5:-1] for _, a in elements if "clip-path" in a}
    assert used
    assert used <= ids


# -- its numbers ----------------------------------------------------------------------------------------------------


def test_the_strongest_interactions_are_in_the_table_with_their_errors():
    explanation = random_explanation(4, 4)
    text = Page(html_still(explanation)).text
    for term in explanation.top(20):
        assert f"{term.value:+.2f}".replace("-", "\u2212") in text
        assert f"{term.standard_error:.2f}" in text


def test_key_figures_are_shown_and_unknown_ones_left_out():
    known = random_explanation(
        similarity=31.26, empty_similarity=-1.5, r2=0.951, spearman=0.89, budget=131072, image_encodes=2184, seed=3
    )
    text = Page(html_still(known)).text
    for shown in ("31.3", "\u22121.50", "0.95", "0.89", "131,072", "2,184 image + 0 text", "seed\n3"):
        assert shown in text
    texts = Page(html_still(random_explanation())).texts
    for name in ("similarity (logits)", "held-out R²", "Spearman", "residual", "seed", "nan", "None"):
        assert name not in texts


def test_values_that_are_not_logits_have_no_unit():
    text = Page(html_still(random_explanation(method="random", order=1, similarity=3.0))).text
    assert "Not in logits: only order and sign are meaningful" in text
    assert "for tokens." in text
    assert "residual" not in text
    assert "Baniecki" not in text
    fitted = Page(html_still(random_explanation())).text
    assert "with probability 0.5, in logits." in " ".join(fitted.split())
    assert "Baniecki" in fitted
    for drawing in ("graph", "overlay"):
        assert "logits" in dog_and_hydrant().to_svg(drawing)
        assert "logits" not in dog_and_hydrant().replace(method="random").to_svg(drawing)


def test_shrunk_blocks_are_named():
    early = random_explanation(identified={"cross": True, "text_text": True, "image_image": False})
    assert "image–image interactions are shrunk" in Page(html_still(early)).text
    assert "shrunk" not in Page(html_still(random_explanation())).text


def test_a_first_order_report_explains_that_it_has_no_graph():
    text = Page(html_still(random_explanation(order=1, interactions=np.zeros((9, 9)), method="gradeclip"))).text
    assert "“gradeclip” is a first-order method" in text
    assert "Strongest main effects" in text
    assert "interacts positively" not in text


@pytest.mark.parametrize(
    "missing", [{"image": None}, {"main_se": None, "interactions_se": None}, {"caption": ""}, {"model": {}}]
)
def test_a_report_can_be_made_without(missing):
    assert Page(html_still(random_explanation(**missing))).text


# -- the drawings ---------------------------------------------------------------------------------------------------


def test_heat_is_proportional_and_coloured_by_sign():
    explanation = random_explanation(2, 3)
    found, values = heat(overlay_svg(explanation, "dog")), explanation.interactions[8, :6]
    strongest = np.abs(values).max()
    for name, value in zip(explanation.names, values, strict=False):
        opacity, color = found[name]
        assert opacity == pytest.approx(0.72 * abs(value) / strongest, abs=0.006)
        assert color == ("#ff0d57" if value > 0 else "#1e88e5")


def test_a_common_limit_makes_overlays_comparable():
    explanation = random_explanation(2, 3)
    faint, strong = (heat(overlay_svg(explanation, "dog", limit=limit)) for limit in (20.0, 10.0))
    for name, (opacity, _) in faint.items():
        assert strong[name][0] == pytest.approx(2 * opacity, abs=0.011)


@pytest.mark.parametrize(("tokens", "direction"), [(("a", "dog"), "ltr"), (("כלב", "ליד"), "rtl")])
def test_a_caption_has_the_direction_of_its_script(tokens, direction):
    page = Page(html_still(random_explanation(1, 1, tokens)))
    (caption,) = [attributes for tag, attributes in page.elements if tag == "ul"]
    assert caption["dir"] == direction


@pytest.mark.parametrize("layout", ["anchored", "spring", "kamada_kawai"])
def test_the_graph_draws_each_edge_and_each_token(layout):
    explanation = dog_and_hydrant()
    root = ET.fromstring(graph_svg(explanation, 12, layout=layout))
    assert len([*root.iter(f"{SVG}path")]) == 12
    assert [text.text for text in root.iter(f"{SVG}text")] == list(explanation.tokens)
    widest = max(root.iter(f"{SVG}path"), key=lambda path: float(path.get("stroke-width")))
    assert widest[0].text.split(":")[0] in ("hydr × patch (5, 6)", "hydr × ant")


def test_edges_that_may_be_noise_are_dashed():
    root = ET.fromstring(graph_svg(random_explanation(interactions_se=np.full((9, 9), 1e6))))
    assert all(path.get("stroke-dasharray") for path in root.iter(f"{SVG}path"))
    root = ET.fromstring(graph_svg(random_explanation(interactions_se=None)))
    assert not any(path.get("stroke-dasharray") for path in root.iter(f"{SVG}path"))


def test_drawings_alone_hold_their_own_picture():
    explanation = random_explanation()
    assert len(pictures(overlay_svg(explanation))) == 1
    patches = sum(node["kind"] == "patch" for _, node in explanation.to_networkx().nodes(data=True))
    assert len(pictures(graph_svg(explanation))) == 1 + patches  # the ground, and each in its own pixels
    assert len(pictures(graph_svg(explanation, layout="spring"))) == patches
    assert "<use" not in graph_svg(explanation)
    assert not pictures(graph_svg(explanation, embed=False))


def test_the_palette_can_be_colour_blind_safe():
    drawn = graph_svg(random_explanation(), colors="safe")
    assert "#e66100" in drawn
    assert "#ff0d57" not in drawn


@pytest.mark.parametrize("draw", [html_still, graph_svg, overlay_svg])
def test_an_unknown_palette_is_rejected(draw):
    with pytest.raises(InputError, match="house, safe"):
        draw(random_explanation(), colors="rainbow")


# -- hostile texts --------------------------------------------------------------------------------------------------


def test_hostile_texts_are_shown_as_text_in_the_report():
    explanation = hostile_explanation()
    page = Page(html_still(explanation))
    assert page.open == []
    for tag, attributes in page.elements:
        assert tag not in NO_PAGE_HAS
        assert not [name for name in attributes if name.startswith("on")]
    for token in HOSTILE:
        assert clean(token) in page.text


@pytest.mark.parametrize(
    "draw", [graph_svg, lambda e: graph_svg(e, layout="spring"), overlay_svg, lambda e: overlay_svg(e, 9)]
)
def test_hostile_texts_are_shown_as_text_in_drawings(draw):
    root = ET.fromstring(draw(hostile_explanation()))
    allowed = {"svg", "g", "defs", "image", "use", "rect", "path", "text", "title", "clipPath"}
    for node in root.iter():
        assert node.tag.removeprefix(SVG) in allowed
        assert not [name for name in node.attrib if name.startswith("on")]
    assert clean(" ".join(HOSTILE)) in root.get("aria-label")


# -- in a notebook --------------------------------------------------------------------------------------------------


def test_a_notebook_shows_the_picture_once_and_the_graph():
    card = dog_and_hydrant()._repr_html_()
    page = Page(card)
    assert page.open == []
    assert [tag for tag, _ in page.elements].count("image") == 1
    assert [tag for tag, _ in page.elements].count("path") == 30
    assert "black dog next to a yellow hydrant" in page.text


def test_hostile_texts_are_shown_as_text_in_a_notebook():
    page = Page(hostile_explanation()._repr_html_())
    assert not NO_PAGE_HAS & {tag for tag, _ in page.elements}
    assert clean(" ".join(HOSTILE)) in page.text


def test_explanations_draw_and_report_themselves(tmp_path):
    explanation = random_explanation()
    assert explanation.to_svg("graph", top_k=3) == graph_svg(explanation, 3)
    assert explanation.to_svg("overlay", player="dog") == overlay_svg(explanation, "dog")
    with pytest.raises(InputError, match="graph, overlay"):
        explanation.to_svg("heat")


# -- the words of the patches ---------------------------------------------------------------------------------------


def test_patches_take_the_colour_of_the_word_that_they_belong_to():
    explanation = random_explanation(2, 3, draw=3, interactions_se=np.full((9, 9), 0.01))
    words, values = explanation.patch_words()
    cross = explanation.cross
    assert (words >= 0).any()
    for patch, (word, value) in enumerate(zip(words.tolist(), values.tolist(), strict=True)):
        assert value == (cross[word, patch] if word >= 0 else 0)
        assert cross[:, patch].max() == value or (word == -1 and cross[:, patch].max() < 0.1 * values.max())
    colors = word_colors(explanation)
    drawn = words_svg(explanation)
    for patch, word in enumerate(words.tolist()):
        name = explanation.names[patch]
        found = re.search(rf'fill="(#\w+)" fill-opacity="[\d.]+"><title>{re.escape(name)}: “(\w+)”', drawn)
        assert (found is None) == (word < 0)
        if found:
            assert found.groups() == (colors[word], explanation.tokens[word])


def test_patches_without_a_significant_positive_interaction_belong_to_no_word():
    explanation = random_explanation(2, 3, interactions_se=np.full((9, 9), 100.0))
    assert (explanation.patch_words()[0] == -1).all()
    assert word_colors(explanation) == [None, None, None]
    assert (random_explanation(2, 3, interactions_se=None).patch_words()[0] >= 0).any(), "errors are unknown"


def test_a_word_keeps_at_most_one_of_eight_colours():
    explanation = random_explanation(4, 6, tokens=tuple("abcdefghijkl"), interactions_se=np.full((36, 36), 0.01))
    given = [color for color in word_colors(explanation) if color]
    assert len(given) == len(set(given)) == 8
