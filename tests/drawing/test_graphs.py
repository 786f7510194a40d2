"""The explanation graph has the strongest interactions, their significance, and reproducible node positions."""

import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from fixlip_widgets.drawing.graphs import explanation_graph
from fixlip_widgets.drawing.layouts import LAYOUTS
from fixlip_widgets.drawing.static_html import html_still
from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.findings import findings
from tests.examples import dog_and_hydrant, random_explanation


def magnitudes(graph):
    return [abs(weight) for _, _, weight in graph.edges(data="weight")]


def test_edges_are_the_strongest_interactions():
    explanation = dog_and_hydrant()
    graph = explanation_graph(explanation, 22)
    assert {frozenset(edge) for edge in graph.edges} == {frozenset(term.players) for term in explanation.top(22)}
    for i, j, weight in graph.edges(data="weight"):
        assert weight == explanation.interactions[i, j]


def test_every_token_is_a_node_and_only_patches_with_an_edge_are():
    graph = explanation_graph(dog_and_hydrant(), 5)
    assert [node for node in graph if node >= 49] == [*range(49, 57)]
    assert all(graph.degree(node) > 0 for node in graph if node < 49)
    assert list(graph) == sorted(graph)


def test_nodes_have_their_attributes():
    explanation = random_explanation(2, 3)
    graph = explanation_graph(explanation, None)
    assert graph.nodes[4] == {
        "kind": "patch",
        "label": "2,2",
        "row": 1,
        "column": 1,
        "main": explanation.main[4],
        "se": explanation.main_se[4],
        "pos": graph.nodes[4]["pos"],
    }
    assert graph.nodes[7]["kind"] == "token"
    assert graph.nodes[7]["label"] == "red"
    assert "row" not in graph.nodes[7]


def test_the_graph_has_the_explanations_attributes():
    explanation = random_explanation(p=0.3, method="banzhaf", caption="a red dog")
    graph = explanation_graph(explanation)
    assert {key: graph.graph[key] for key in ("baseline", "p", "method", "caption")} == {
        "baseline": explanation.baseline,
        "p": 0.3,
        "method": "banzhaf",
        "caption": "a red dog",
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_a_sign_keeps_only_its_own_edges(sign):
    explanation = dog_and_hydrant()
    graph = explanation_graph(explanation, 10, sign=sign)
    strongest = np.sort((sign * explanation.interactions)[np.triu_indices(57, 1)])[::-1][:10]
    np.testing.assert_allclose(sorted(magnitudes(graph), reverse=True), strongest)
    assert {edge["sign"] for _, _, edge in graph.edges(data=True)} == {sign}


def test_kinds_split_all_edges_between_them():
    explanation = random_explanation()
    every, cross, intra = (explanation_graph(explanation, None, kind=kind) for kind in ("all", "cross", "intra"))
    assert {kind for *_, kind in cross.edges(data="kind")} == {"cross"}
    assert {kind for *_, kind in intra.edges(data="kind")} == {"text_text", "image_image"}
    assert cross.number_of_edges() == explanation.n_image * explanation.n_text
    assert every.number_of_edges() == cross.number_of_edges() + intra.number_of_edges()
    assert every.edges[0, 1]["kind"] == "image_image"
    assert every.edges[0, 7]["kind"] == "cross"
    assert every.edges[6, 8]["kind"] == "text_text"


def test_edges_sentences_and_the_table_agree_on_what_is_significant():
    explanation = random_explanation()
    graph = explanation_graph(explanation, None)
    for i, j, edge in graph.edges(data=True):
        error = explanation.interactions_se[i, j]
        if np.isnan(error):
            assert (edge["se"], edge["significant"]) == (None, None)
        elif edge["significant"]:
            assert abs(explanation.interactions[i, j]) > 1.96 * error
    flags = Counter(edge["significant"] for _, _, edge in graph.edges(data=True))
    assert set(flags) == {True, False, None}
    tested = flags[True] + flags[False]
    assert f"{flags[True]:,} of {tested:,} interactions are significant" in findings(explanation)[-1]
    assert Counter(term.significant for term in explanation.top(10**4)) == flags


def test_without_standard_errors_significance_is_unknown():
    graph = explanation_graph(random_explanation(main_se=None, interactions_se=None))
    assert {edge["significant"] for _, _, edge in graph.edges(data=True)} == {None}
    assert {node["se"] for _, node in graph.nodes(data=True)} == {None}


def test_zero_interactions_have_no_edges():
    interactions = np.zeros((9, 9))
    interactions[0, 8] = interactions[8, 0] = 1.0
    assert [*explanation_graph(random_explanation(interactions=interactions), None).edges] == [(0, 8)]


def test_a_first_order_explanation_has_its_strongest_patches_and_no_edges():
    explanation = random_explanation(3, 3, order=1, interactions=np.zeros((12, 12)))
    graph = explanation_graph(explanation, 2)
    strongest = np.argsort(-np.abs(explanation.main[:9]))[:2]
    assert graph.number_of_edges() == 0
    assert set(graph) == {*strongest.tolist(), 9, 10, 11}


def test_top_zero_has_only_the_tokens():
    assert [*explanation_graph(random_explanation(), 0)] == [6, 7, 8]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("top_k", [0, 1, 8, None])
def test_every_layout_is_reproducible_and_within_the_unit_square(layout, top_k):
    explanation = dog_and_hydrant()
    places = [explanation_graph(explanation, top_k, layout=layout).nodes(data="pos") for _ in range(2)]
    assert dict(places[0]) == dict(places[1])
    flat = np.array([place for _, place in places[0]])
    assert np.isfinite(flat).all()
    assert flat.min() >= 0
    assert flat.max() <= 1


def test_anchored_patches_are_where_they_are_in_the_image():
    explanation = random_explanation(2, 4)
    graph = explanation_graph(explanation, None)
    height = graph.graph["image_height"]
    assert graph.nodes[0]["pos"] == pytest.approx((1 / 8, height / 4))
    assert graph.nodes[7]["pos"] == pytest.approx((7 / 8, height * 3 / 4))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_unconnected_tokens_are_below_the_image_in_reading_order(layout):
    words = tuple(f"word{i}" for i in range(40))
    graph = explanation_graph(random_explanation(2, 2, words), 0, layout=layout)
    places = [graph.nodes[player]["pos"] for player in range(4, 44)]
    lines = [(y, x) for x, y in places]
    assert lines == sorted(lines)
    assert len({y for y, _ in lines}) > 1
    assert min(y for y, _ in lines) > (graph.graph["image_height"] or 0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_right_to_left_captions_are_laid_out_from_the_right(layout):
    words = ("2", "כלב", "ליד", "dog")
    graph = explanation_graph(random_explanation(2, 2, words), 0, layout=layout)
    places = [graph.nodes[player]["pos"][0] for player in range(4, 8)]
    assert places == sorted(places, reverse=True)


@pytest.mark.parametrize("layout", ["spring", "kamada_kawai"])
def test_interacting_players_are_closer_than_others(layout):
    graph = explanation_graph(dog_and_hydrant(), 22, layout=layout)
    apart = {
        (i, j): np.hypot(*np.subtract(graph.nodes[i]["pos"], graph.nodes[j]["pos"])) for i, j in combinations(graph, 2)
    }
    joined = [distance for pair, distance in apart.items() if graph.has_edge(*pair)]
    others = [distance for pair, distance in apart.items() if not graph.has_edge(*pair)]
    assert np.mean(joined) < 0.6 * np.mean(others)


@pytest.mark.parametrize("layout", ["spring", "kamada_kawai"])
def test_thumbnails_do_not_overlap(layout):
    graph = explanation_graph(dog_and_hydrant(), 22, layout=layout)
    patches = np.array([node["pos"] for _, node in graph.nodes(data=True) if node["kind"] == "patch"])
    apart = np.abs(patches[:, None] - patches[None])[np.triu_indices(len(patches), 1)]
    assert ((apart[:, 0] > 0.07) | (apart[:, 1] > 0.1)).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"top_k": -1}, "top_k is -1"),
        ({"top_k": 2.5}, "top_k is 2.5"),
        ({"top_k": True}, "top_k is True"),
        ({"sign": 0}, "sign is 0"),
        ({"kind": "both"}, "all, cross, intra"),
        ({"layout": "circle"}, "anchored, spring, kamada_kawai"),
    ],
)
def test_invalid_arguments_are_rejected_with_the_alternatives(options, says):
    with pytest.raises(InputError, match=says):
        random_explanation().to_networkx(**options)


def test_every_drawing_and_finding_numbers_words_that_occur_twice():
    explanation = random_explanation(2, 2, ("a", "dog", "a"), caption="a dog a")
    graph = explanation_graph(explanation, None)
    assert [graph.nodes[player]["label"] for player in (4, 5, 6)] == ["a¹", "dog", "a²"]
    about = findings(explanation)
    assert ["“a¹”" in about[4], "“a²”" in about[6]] == [True, True]
    for drawn in (explanation.to_svg("words"), explanation.to_svg("graph"), html_still(explanation)):
        shown = {text.strip() for text in re.findall(r">([^<>]+)<", drawn)}
        assert {"a¹", "dog", "a²"} <= shown
        assert "a" not in shown
