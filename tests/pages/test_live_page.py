"""The live page holds the numbers that were computed, loads nothing, and keeps every text in its place."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fixlip_widgets as fx
from fixlip_widgets import FixlipWidget, InputError
from fixlip_widgets.estimators.masks import IMAGE_STREAM, draw_masks
from fixlip_widgets.pages import Recording
from fixlip_widgets.pages.html_page import script
from fixlip_widgets.pages.recording import Step
from tests.examples import dog_and_hydrant, random_explanation
from tests.golden import tiny_game
from tests.pages.reading import Page, unpacked

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "</noscript><script>alert(2)</script>",
    "]]>",
    '"}],"x":"',
    "\u2028\x00\ud800",
    "</iframe>",
)


def hostile(draw: int = 0) -> fx.Explanation:
    return random_explanation(2, 3, HOSTILE, caption=" ".join(HOSTILE), model={"name": HOSTILE[0]}, draw=draw)


def written(tmp_path: Path, *parts: object, **options: object) -> Page:
    fx.report(parts, tmp_path / "report.html", **options)
    return Page((tmp_path / "report.html").read_text("utf-8"))


def test_the_page_holds_the_numbers(tmp_path: Path):
    explanation = random_explanation()
    (saved,) = written(tmp_path, explanation).json("saved")
    (snapshot,) = saved["snapshots"]
    np.testing.assert_allclose(unpacked(snapshot["result"]["interactions"]), explanation.interactions, rtol=1e-6)
    np.testing.assert_allclose(unpacked(snapshot["result"]["main"]), explanation.main, rtol=1e-6)
    errors = unpacked(snapshot["result"]["interactions_se"])
    np.testing.assert_allclose(errors, explanation.interactions_se, rtol=1e-3)
    assert np.isnan(errors[0, 1])
    best = explanation.subset(3)
    assert snapshot["subsets"]["positive"][2] == {"players": list(best[0]), "value": pytest.approx(best[1])}


def test_a_force_layout_is_at_the_graphs_own_places(tmp_path: Path):
    explanation = random_explanation(4, 4, tuple("abcdefgh"))
    (saved,) = written(tmp_path, explanation).json("saved")
    for places in saved["snapshots"][0]["places"]:
        graph = explanation.to_networkx(top_k=places["edges"], layout=places["layout"])
        expected = [[player, *node["pos"]] for player, node in graph.nodes(data=True)]
        np.testing.assert_allclose(places["at"], expected, atol=1e-3)


def test_the_view_is_in_the_file_once(tmp_path: Path):
    page = written(tmp_path, *(random_explanation(draw=draw) for draw in range(3)))
    assert len(page.json("saved")) == 3
    (view,) = page.json("view")
    assert "export" in view["code"]
    assert ".fixlip{" in view["code"]


def test_the_page_refers_to_nothing_outside_itself(tmp_path: Path):
    for tag, attributes in written(tmp_path, dog_and_hydrant()).elements:
        assert tag not in ("link", "base", "iframe", "object", "embed", "form")
        for name in ("src", "href", "action"):
            target = attributes.get(name)
            assert target is None or target.startswith(("data:", "#"))


def test_the_page_may_run_its_own_script_and_fetch_nothing(tmp_path: Path):
    page = written(tmp_path, dog_and_hydrant())
    (policy,) = [a["content"] or "" for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    (code,) = [text for attributes, text in page.scripts if attributes.get("type") == "module"]
    own = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{own}' blob:;")
    assert "http" not in policy.replace("http-equiv", "")


def test_hostile_texts_stay_where_they_are_put(tmp_path: Path):
    page = written(tmp_path, f"# {HOSTILE[0]}", f"{HOSTILE[2]}\n\n{HOSTILE[1]}", hostile(), title=HOSTILE[2])
    assert [attributes.get("data-fixlip") for attributes, _ in page.scripts] == ["saved", "view", None]
    allowed = {"saved": "application/json", "view": "application/json"}
    assert all(a.get("type") == allowed.get(a.get("data-fixlip") or "", "module") for a, _ in page.scripts)
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
    (saved,) = page.json("saved")
    assert tuple(saved["captions"][0]["tokens"]) == HOSTILE


def test_no_character_ends_the_script_that_holds_it():
    text = script({"a": "".join(map(chr, range(0x2100)))}, "saved")
    assert text.count("<") == 2
    assert json.loads(text[text.index(">") + 1 : text.rindex("<")]) == {"a": "".join(map(chr, range(0x2100)))}


def test_text_between_explanations_is_headings_and_paragraphs(tmp_path: Path):
    fx.report(["# One\n\nTwo & three\n\n## Four", random_explanation(), "Five"], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert text.index("<h1>One</h1>") < text.index("<p>Two &amp; three</p>") < text.index("<h2>Four</h2>")
    assert text.index('data-fixlip="saved"') < text.index("<p>Five</p>")
    assert "<title>One</title>" in text


def test_without_scripts_the_page_shows_picture_and_table(tmp_path: Path):
    written(tmp_path, dog_and_hydrant())
    text = (tmp_path / "report.html").read_text("utf-8")
    still = text[text.index("<noscript>") : text.index("</noscript>")]
    assert still.count("<svg") >= 2
    assert "<table>" in still


def test_a_part_that_cannot_be_shown_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="A part of a report cannot be of type int"):
        fx.report([1], tmp_path / "report.html")
    with pytest.raises(InputError, match="A report needs at least one part"):
        fx.report([], tmp_path / "report.html")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"p": [0.3, 0.5]}, r"p=\[0.3, 0.5\]"),
        ({"budgets": 2**9}, r"budgets=\[512\]"),
        ({"text": "a cat"}, r"text=\['a cat'\]"),
        ({"playground": True}, "playground=True"),
    ],
)
def test_arguments_that_no_part_can_use_are_refused(tmp_path: Path, asked: dict[str, Any], named: str):
    finished = random_explanation(p=0.5)
    with pytest.raises(InputError, match=named):
        finished.to_html(tmp_path / "page.html", **asked)
    with pytest.raises(InputError, match="No part of the report"):
        fx.report([finished, "Text.", finished], tmp_path / "page.html", **asked)
    assert [*tmp_path.iterdir()] == []


def test_arguments_that_a_part_has_anyway_or_one_of_several_can_use_are_accepted(tmp_path: Path):
    finished = random_explanation(p=0.5)
    finished.to_html(tmp_path / "page.html", p=0.5, text=finished.caption)
    explainer = fx.IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**9)
    fx.report([finished, explainer], tmp_path / "page.html", p=0.3, progress=False)
    first, second = Page((tmp_path / "page.html").read_text("utf-8")).json("saved")
    assert [len(page["snapshots"]) for page in (first, second)] == [1, 2]


def test_the_level_of_a_page_can_be_chosen(tmp_path: Path):
    finished, path = random_explanation(), tmp_path / "page.html"
    levels = list[str]()
    for asked in ({}, {"level": "simple"}, {"level": "all"}):
        finished.to_html(path, **asked)
        (saved,) = Page(path.read_text("utf-8")).json("saved")
        levels.append(saved["settings"]["level"])
    assert levels == ["auto", "simple", "all"]
    widget = fx.FixlipWidget.from_explanation(finished, level="all")
    widget.to_html(path, level="simple")
    widget.close()
    (saved,) = Page(path.read_text("utf-8")).json("saved")
    assert saved["settings"]["level"] == "simple"
    with pytest.raises(InputError, match="There is no level 'most'"):
        finished.to_html(path, level="most")


def test_one_part_is_a_report_of_itself(tmp_path: Path):
    path, text = tmp_path / "report.html", "Some words."
    fx.report(text, path)
    assert path.read_text().count("<p>Some words.</p>") == 1
    explainer = fx.IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**9)
    fx.report(explainer, path, p=0.3, budgets=2**9, text="a cat")
    (saved,) = Page(path.read_text("utf-8")).json("saved")
    shown = {(each["p"], each["caption"]) for each in saved["snapshots"]}
    assert shown == {(0.5, 0), (0.3, 0), (0.5, 1), (0.3, 1)}


@pytest.mark.parametrize(
    ("place", "message"), [("nowhere/report.html", "nowhere.* does not exist"), (".", "is a folder")]
)
def test_a_report_that_cannot_be_written_is_refused_before_it_is_made(
    place: str, message: str, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    explainer = fx.IncrementalExplainer(tiny_game())
    with pytest.raises(OSError, match=message):
        fx.report(explainer, place)
    assert explainer.image_encodes == 0


def test_an_interrupted_export_leaves_the_earlier_file_whole(tmp_path: Path):
    explainer = fx.IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**10)
    written(tmp_path, explainer, progress=False)
    earlier = (tmp_path / "report.html").read_bytes()

    def stop(step: Step) -> None:
        if step.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fx.report([random_explanation(), explainer], tmp_path / "report.html", p=[0.3, 0.7], progress=stop)
    assert (tmp_path / "report.html").read_bytes() == earlier
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_widgets_page_looks_as_the_widget_does(tmp_path: Path):
    widget = FixlipWidget.from_explanation(random_explanation(), palette="safe", top_k=5, graph_layout="spring")
    widget.to_html(tmp_path / "report.html")
    widget.close()
    (saved,) = Page((tmp_path / "report.html").read_text("utf-8")).json("saved")
    assert [saved["settings"][name] for name in ("palette", "top_k", "graph_layout")] == ["safe", 5, "spring"]


def test_what_was_measured_is_in_a_widgets_page(tmp_path: Path):
    explainer = fx.IncrementalExplainer(tiny_game())
    widget = FixlipWidget(explainer=explainer, budget=2**9, idle_share=0.0)
    assert widget.wait(60)
    found = widget.measure()
    widget.method = "grad_eclip"
    assert widget.wait(60)
    widget.to_html(tmp_path / "report.html", progress=False)
    widget.close()
    (saved,) = Page((tmp_path / "report.html").read_text("utf-8")).json("saved")
    (told,) = saved["measured"]
    assert (told["method"], told["aid"]) == ("banzhaf", found.curves.aid), "it stays there to compare with"
    (unmeasured,) = written(tmp_path, random_explanation()).json("saved")
    assert unmeasured["measured"] == []


def test_explanations_and_recordings_are_parts_too(tmp_path: Path):
    first, second = random_explanation(p=0.5), random_explanation(p=0.3)
    first.to_html(tmp_path / "alone.html", "A title")
    text = (tmp_path / "alone.html").read_text("utf-8")
    assert "<h1>A title</h1>" in text
    (saved,) = written(tmp_path, Recording((first, second))).json("saved")
    assert [snapshot["p"] for snapshot in saved["snapshots"]] == [0.5, 0.3]


def test_the_page_tells_how_the_error_fell_and_what_the_model_saw(tmp_path: Path):
    explainer = fx.IncrementalExplainer(tiny_game(), seed=5)
    explainer.extend(0.5, 2**14)
    budgets = [2**12, 2**13, 2**14]
    (saved,) = written(tmp_path, explainer, p=[0.5, 0.3], budgets=budgets, progress=False).json("saved")
    for snapshot in saved["snapshots"]:
        points = [point["budget"] for point in snapshot["convergence"]]
        assert points == [budget for budget in budgets if budget <= snapshot["budget"]]
        assert snapshot["examples"]["p"] == snapshot["p"]
        drawn = draw_masks(16, snapshot["p"], 0, 6, seed=5, stream=IMAGE_STREAM, design=explainer.masks)
        assert [[bit == "1" for bit in mask[:16]] for mask in snapshot["examples"]["masks"]] == drawn.tolist()


def test_a_finished_explanation_has_no_example_masks(tmp_path: Path):
    (saved,) = written(tmp_path, random_explanation()).json("saved")
    assert saved["snapshots"][0]["examples"] is None
