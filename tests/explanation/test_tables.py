"""CSV and JSON have the explanation's values, and PNG shows what the SVG shows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.explanation.triples import Triples
from tests.examples import dog_and_hydrant, random_explanation


def rows(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text))]


def test_csv_has_every_term_once():
    explanation = random_explanation()
    lines = rows(explanation.to_csv())
    assert [int(line["order"]) for line in lines] == [0] + [1] * 9 + [2] * 36
    assert float(lines[0]["value"]) == explanation.baseline
    assert [float(line["value"]) for line in lines[1:10]] == explanation.main.tolist()
    for line in lines[10:]:
        i, j = map(int, line["players"].split(" × "))
        assert float(line["value"]) == explanation.interactions[i, j]
        assert line["names"] == f"{explanation.names[i]} × {explanation.names[j]}"
    assert lines[0]["kind"] == "baseline"
    assert [(line["kind"], line["places"]) for line in lines[6:8]] == [("image", "1,2"), ("text", "0")]
    (cross,) = [line for line in lines if line["players"] == "4 × 8"]
    assert (cross["kind"], cross["places"]) == ("cross", "1,1 × 2")
    unknown = [line["players"] for line in lines if line["order"] == "2" and not line["standard_error"]]
    assert unknown == ["0 × 1"]
    flags = {line["players"]: line["significant"] for line in lines}
    assert (flags[""], flags["0 × 1"]) == ("", "")
    assert flags["4 × 8"] == str(explanation.significant.interactions[4, 8]).lower()
    assert set(flags.values()) == {"", "true", "false"}


def third_order():
    n_image, n_text = 2, 2
    pairs = np.zeros((n_text, n_image, n_image))
    pairs[0, 0, 1] = pairs[0, 1, 0] = 1.5
    other = np.zeros((n_image, n_text, n_text))
    return random_explanation(
        1, 2, ("a", "b"), order=3, triples=Triples(pairs, other, pairs * 0 + 0.1, other + 0.1), interactions_se=None
    )


def test_csv_of_third_order_has_its_terms():
    lines = [line for line in rows(third_order().to_csv()) if line["order"] == "3"]
    strongest = max(lines, key=lambda line: abs(float(line["value"])))
    assert (strongest["players"], float(strongest["value"])) == ("0 × 1 × 2", 1.5)


def test_the_frame_of_third_order_has_its_terms():
    explanation = third_order()
    frame = explanation.to_frame()
    assert frame["value"].sum() == pytest.approx(explanation.predict(np.ones((1, 4)))[0])
    strongest = frame[frame["order"] == 3].set_index(["player", "partner", "third"])["value"]
    assert strongest.idxmax() == (*explanation.names[:2], "a")
    assert set(frame[frame["order"] < 3]["third"]) == {""}


def test_csv_keeps_every_token_in_its_cell():
    tokens = ("a,b", 'say "hi"', "two\nlines")
    names = {line["names"] for line in rows(random_explanation(tokens=tokens).to_csv()) if line["order"] == "1"}
    assert set(tokens) <= names


def test_json_has_everything_but_the_image(tmp_path: Path):
    explanation = random_explanation()
    assert explanation.to_json(tmp_path / "explanation.json") is None
    data = json.loads(explanation.to_json())
    assert data == json.loads((tmp_path / "explanation.json").read_text("utf-8"))
    np.testing.assert_array_equal(data["interactions"], explanation.interactions)
    assert data["interactions_se"][0][1] is None
    assert data["similarity"] is None
    assert data["names"] == list(explanation.names)
    assert data["kinds"] == ["image"] * 6 + ["text"] * 3
    assert data["places"] == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], 0, 1, 2]
    assert "image" not in data


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_overlay_is_the_picture_with_heat(tmp_path: Path):
    explanation = dog_and_hydrant()
    assert explanation.to_png(tmp_path / "overlay.png", "overlay", scale=1) is None
    drawn = pixels((tmp_path / "overlay.png").read_bytes())
    assert drawn.shape == (224, 224, 3)
    values = explanation.first_order()[:49]
    coldest, hottest = (divmod(int(at), 7) for at in (np.abs(values).argmin(), values.argmax()))

    def change(row: int, column: int) -> np.ndarray:
        where = np.s_[32 * row + 4 : 32 * row + 28, 32 * column + 4 : 32 * column + 28]
        return (drawn[where] - explanation.image[where].astype(int)).mean(axis=(0, 1))

    assert np.abs(change(*coldest)).max() < 12
    assert np.abs(change(*hottest)).max() > 40


def test_the_graph_has_paper_under_its_words():
    explanation = random_explanation(tokens=("red", "dog"))
    drawn = pixels(explanation.to_png(layout="kamada_kawai", scale=1))
    graph = explanation.to_networkx(layout="kamada_kawai")
    for player in (6, 7):
        x, y = graph.nodes[player]["pos"]
        column, row = round(x * drawn.shape[1]), round(y * drawn.shape[0])
        assert drawn[row - 10 : row + 10, column - 14 : column + 14].mean() > 128


def test_scale_and_background_can_be_set():
    explanation = random_explanation()
    small, large = (pixels(explanation.to_png(kind="overlay", scale=scale)) for scale in (1, 3))
    assert large.shape[0] == 3 * small.shape[0]
    clear = explanation.to_png(background=None)
    with Image.open(io.BytesIO(clear)) as image:
        assert np.asarray(image)[..., 3].min() == 0
    with pytest.raises(InputError, match=r"0\.1 to 20"):
        explanation.to_png(scale=0)


def test_a_widget_draws_what_it_shows():
    explanation = random_explanation()
    widget = FixlipWidget.from_explanation(explanation, top_k=4, graph_layout="spring", graph_sign="negative")
    assert widget.to_svg() == explanation.to_svg(top_k=4, layout="spring", sign=-1, edges="cross")
    assert widget.to_svg("overlay", player="dog") == explanation.to_svg("overlay", player="dog")
    assert pixels(widget.to_png(scale=1)).shape[2] == 3
    widget.close()


def test_third_order_terms_are_drawn():
    n_image, n_text = 2, 2
    pairs = np.full((n_text, n_image, n_image), 5.0) * (1 - np.eye(2))
    other = np.zeros((n_image, n_text, n_text))
    triples = Triples(pairs, other, pairs * 0, other)
    explanation = random_explanation(1, 2, ("a", "b"), order=3, triples=triples)
    assert "patch (1, 1) × patch (1, 2) × a" in explanation.to_svg()


def test_plotly_writes_its_page_as_its_users_expect(tmp_path: Path):
    for kind in ("cross", "graph", "overlay"):
        random_explanation().to_plotly(kind).write_html(tmp_path / f"{kind}.html", include_plotlyjs=False)
        assert "Plotly.newPlot" in (tmp_path / f"{kind}.html").read_text("utf-8")
