"""The command: all methods and metrics on one game, resumable, with results as Parquet and a report."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from PIL import Image

from fixlip_widgets import InputError, demo, load_model
from fixlip_widgets.cli import main
from fixlip_widgets.corpus.pairs import Pair
from fixlip_widgets.evaluation.contestants import contestants
from fixlip_widgets.evaluation.measure import measure, on_grid
from fixlip_widgets.evaluation.page import write_page
from fixlip_widgets.evaluation.records import Records, Settings
from fixlip_widgets.evaluation.shared_game import SharedGame
from fixlip_widgets.evaluation.tables import comparison, curve, flat, markdown, means, with_interval
from fixlip_widgets.explainers.fixlip import IncrementalExplainer
from fixlip_widgets.explainers.metrics import faithfulness, insertion_deletion, pointing_game
from tests.encoders.towers.families import model

QUICK = ["--masks", "20", "--budget", "512", "--joint-budget", "64", "--steps", "2"]
SMALL = Settings("demo", "demo", "0", budget=512, joint_budget=64, n_masks=20, steps=2)


def scene_pair():
    scene = demo.scene("dog_and_banana")
    return Pair(scene.image, scene.caption, scene.regions, 2)


# -- one pair -------------------------------------------------------------------------------------------------------


def test_scores_are_those_of_the_metrics_on_a_game_of_its_own():
    chosen = contestants((0.5,), ["banzhaf"])
    settings = Settings("demo", "demo", "0", budget=512, probabilities=(0.5,), n_masks=20)
    scores = measure(load_model(), scene_pair(), chosen, settings, {})["methods"]["banzhaf p=0.5"]
    scene = demo.scene("dog_and_banana")
    game = SharedGame(load_model(), scene.image, scene.caption).plain
    explainer = IncrementalExplainer(game)
    explainer.extend(0.5, 512)
    explanation = explainer.explanation(0.5)
    assert scores["spearman p=0.5"] == pytest.approx(faithfulness(game, explanation, 0.5, 20).spearman, abs=1e-4)
    assert scores["aid"] == pytest.approx(insertion_deletion(game, explanation).aid, abs=1e-3)
    assert scores["pgr"] == pytest.approx(pointing_game(explanation, scene.regions).pgr, abs=1e-4)
    assert (scores["image_encodes"], scores["text_encodes"]) == (explainer.image_encodes, explainer.text_encodes)


@pytest.mark.slow
def test_every_method_and_metric_has_a_score():
    record = measure(load_model(), scene_pair(), contestants((0.3, 0.7)), SMALL, {})
    assert list(record["methods"]) == [one.name for one in contestants((0.3, 0.7))]
    for scores in record["methods"].values():
        assert -1 <= scores["spearman p=0.3"] <= 1
        assert 0 <= scores["pgr"] <= 1
        assert len(scores["most"]) == len(scores["least"]) == 51
        assert math.isfinite(scores["aid"])
        assert scores["seconds"] >= 0
    orders = {name: scores["order"] for name, scores in record["methods"].items()}
    assert {name for name, order in orders.items() if order == 1} == {
        "game_attention", "grad_eclip", "shapley_values", "banzhaf_values"
    }  # fmt: skip


def test_a_shared_game_has_the_games_values_and_encodes_each_mask_once():
    scene = demo.scene("guitar")
    game = SharedGame(load_model(), scene.image, scene.caption)
    masks = np.random.default_rng(0).random((40, game.n_players)) < 0.5
    first = game.value(masks)
    np.testing.assert_allclose(first, game.plain.value(masks), atol=1e-5)
    runs = dict(game._runs)
    np.testing.assert_array_equal(game.value(masks), first)
    assert game._runs == runs
    assert (game.saved() > 0).all()


def test_every_pair_has_random_numbers_of_its_own():
    (random,) = contestants((0.5,), ["random"])
    model, scenes = load_model(), [demo.compose(["dog"], seed=seed) for seed in (0, 1, 0)]
    first, other, again = (random.explain(SharedGame(model, one.image, "a dog"), SMALL) for one in scenes)
    assert (first.interactions != other.interactions).any()
    np.testing.assert_array_equal(first.interactions, again.interactions)


def test_a_region_on_a_coarser_grid_is_where_the_centres_are():
    region = np.zeros((8, 8), dtype=bool)
    region[:4, 4:] = True
    np.testing.assert_array_equal(on_grid(region, (2, 2)), [[False, True], [False, False]])
    np.testing.assert_array_equal(on_grid(region, (8, 8)), region)


def test_an_unsupported_method_is_recorded_with_the_reason(tmp_path):
    chosen = contestants((0.5,), ["game_attention", "random"])
    image = Image.new("RGB", (64, 64), "green")
    record = measure(model("ResNet"), Pair(image, "a <b>dog</b>", {}), chosen, SMALL, {})
    assert "method='banzhaf'" in record["methods"]["game_attention"]["refused"]
    assert "pgr" not in record["methods"]["random"]
    labels = {one.name: one.label for one in chosen}
    rows = flat([{**record, "name": "one"}])
    write_page(tmp_path / "report.html", rows, labels, SMALL, {}, "fixlip-widgets evaluate")
    page = (tmp_path / "report.html").read_text()
    assert "Methods that cannot explain this model" in page
    assert "GAME: GAME, Grad-ECLIP and exCLIP need a sequence of patches, which the image encoder of custom" in page


def test_an_unknown_method_is_rejected():
    with pytest.raises(InputError, match=r"lime.*banzhaf p=0\.5"):
        contestants((0.5,), ["lime"])


# -- the command ----------------------------------------------------------------------------------------------------


RANDOM = ["--scenes", "1", "--methods", "random"]


def evaluate(folder, *arguments):
    return main(["evaluate", "--out", str(folder), *QUICK, *arguments])


@pytest.fixture(scope="module")
def measured_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    assert evaluate(folder, *RANDOM) == 0
    return folder


@pytest.fixture
def measured(measured_once, tmp_path):
    """Return a folder in which random explanations of four pairs have been measured."""
    return shutil.copytree(measured_once, tmp_path / "measured")


@pytest.mark.slow
def test_results_are_parquet_and_a_page(tmp_path, capsys):
    assert evaluate(tmp_path, "--scenes", "1", "--methods", "game_attention", "exclip", "random") == 0
    assert "4 pairs measured, 0 rows skipped" in capsys.readouterr().out
    table = pyarrow.parquet.read_table(tmp_path / "results.parquet")
    assert table.num_rows == 4 * 3
    assert set(table["method"].to_pylist()) == {"game_attention", "exclip", "random"}
    assert {"pgr", "aid", "most", "spearman p=0.5", "r2 p=0.5", "image_encodes", "cpu_seconds"} <= set(
        table.column_names
    )
    command = table.schema.metadata[b"command"].decode()
    assert command.startswith("fixlip-widgets evaluate --scenes 1 --methods game_attention exclip random")
    page = (tmp_path / "report.html").read_text()
    assert page.count('class="plotly-graph-div"') == 4
    assert command in page
    assert "https://cdn" not in page.split("</head>")[0]
    assert "| GAME |" in (tmp_path / "table.md").read_text()


@pytest.mark.slow
def test_a_curve_has_a_point_for_each_number_of_masks(tmp_path):
    chosen = ["--methods", "game_attention", "banzhaf", "random", "--p", "0.5", "--scenes", "1"]
    assert evaluate(tmp_path, *chosen, "--image-masks", "16", "64") == 0
    table = (tmp_path / "curve.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[2:]]
    assert [row[0] for row in rows] == ["GAME", "FIxLIP, p = 0.5", "FIxLIP, p = 0.5", "random"]
    assert [row[1] for row in rows] == ["1", str(16 + 32), str(64 + 32), "0"]  # 32 are held out
    assert {row[3] for row in rows} == {"4"}
    figure = ElementTree.parse(tmp_path / "curve.svg").getroot()
    circles = figure.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 3 * (1 + 2)  # a method without cost is a level
    records = [json.loads(path.read_text()) for path in (tmp_path / "records").glob("[0-9a-f]*.json")]
    scores = pd.DataFrame([record["methods"]["banzhaf p=0.5 at 64"] for record in records])
    assert rows[2][4] == with_interval(scores["aid"].mean(), 1.959964 * scores["aid"].sem())


@pytest.mark.slow
def test_nothing_is_computed_twice(measured, capsys):
    before = {path: path.read_bytes() for path in (measured / "records").iterdir()}
    assert evaluate(measured, *RANDOM) == 0
    assert "4 of 4 rows are already recorded" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (measured / "records").iterdir()} == before
    assert evaluate(measured, *RANDOM, "game_attention") == 0
    for path, content in before.items():
        methods = json.loads(path.read_bytes())["methods"]
        assert set(methods) == {"game_attention", "random"}
        assert methods["random"] == json.loads(content)["methods"]["random"]  # times included


@pytest.mark.slow
def test_a_killed_run_resumes_where_it_stopped(tmp_path):
    command = [sys.executable, "-m", "fixlip_widgets", "evaluate", "--out", str(tmp_path), *QUICK]
    command += ["--scenes", "2", "--methods", "random"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    records = tmp_path / "records"
    while process.poll() is None and not (records.is_dir() and any(records.glob("*.json"))):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.read_bytes() for path in records.glob("*.json")}
    assert before
    assert all(json.loads(content)["methods"] for content in before.values())
    assert main(command[3:]) == 0
    assert len([*records.glob("*.json")]) == 8
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.slow
def test_other_settings_are_not_mixed(measured, capsys):
    assert evaluate(measured, *RANDOM, "--seed", "1") == 2
    assert "seed was 0 and is 1" in capsys.readouterr().err
    assert evaluate(measured, *RANDOM, "--precision", "bfloat16") == 2
    assert "precision was 'float32' and is 'bfloat16'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_resumes_from_settings_written_before_precision_was_added(measured, capsys):
    path = measured / "settings.json"
    written = json.loads(path.read_text())
    assert written.pop("precision") == "float32"
    path.write_text(json.dumps(written))
    assert evaluate(measured, *RANDOM) == 0
    assert "4 of 4 rows are already recorded" in capsys.readouterr().err


@pytest.mark.slow
def test_precision_is_part_of_the_command_and_the_device_is_not(tmp_path):
    assert evaluate(tmp_path, *RANDOM, "--precision", "bfloat16", "--device", "cpu") == 0
    command = pyarrow.parquet.read_table(tmp_path / "results.parquet").schema.metadata[b"command"].decode()
    assert "--precision bfloat16" in command
    assert "--device" not in command
    assert "in bfloat16, weights" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_a_damaged_record_is_named(measured, capsys):
    damaged = next((measured / "records").iterdir())
    damaged.write_text("{")
    assert evaluate(measured, *RANDOM) == 2
    assert damaged.name in capsys.readouterr().err


@pytest.mark.slow
def test_several_processes_give_the_same_scores_as_one_and_name_the_rows_that_they_skip(tmp_path, capsys):
    def scores(folder):
        records = [json.loads(path.read_text()) for path in sorted((folder / "records").iterdir())]
        measured = [one for one in records if one.get("methods")]
        return [(one["name"], one["methods"]["random"]["aid"], one["methods"]["exclip"]["aid"]) for one in measured]

    for name in ("dog_and_banana", "guitar"):
        demo.scene(name).image.save(tmp_path / f"{name}.png")
    rows = "dog_and_banana.png,a dog next to a banana\nnone.png,a dog\nguitar.png,a guitar\n"
    (tmp_path / "set.csv").write_text(f"image,caption\n{rows}")
    data = ["--data", str(tmp_path / "set.csv"), "--methods", "exclip", "random"]
    assert evaluate(tmp_path / "one", *data) == 0
    capsys.readouterr()
    assert evaluate(tmp_path / "two", *data, "--jobs", "2") == 0
    captured = capsys.readouterr()
    assert "3/3" in captured.err
    assert "row 3 skipped" in captured.err
    assert "2 pairs measured, 1 rows skipped, of 3" in captured.out
    one, two = scores(tmp_path / "one"), scores(tmp_path / "two")
    assert len(one) == 2
    assert [each[0] for each in one] == [each[0] for each in two]
    np.testing.assert_allclose([each[1:] for each in one], [each[1:] for each in two], atol=1e-5)


def test_unusable_rows_are_named_counted_and_skipped(tmp_path, capsys):
    Image.new("RGB", (60, 60), "green").save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"<b>no picture</b>")
    lines = [
        "image,caption",
        "good.png,a dog",
        "bad.png,a dog",
        "none.png,a dog",
        "good.png,",
        f"good.png,{'dog ' * 99}",
    ]
    (tmp_path / "set.csv").write_text("\n".join(lines))
    data = ["--data", str(tmp_path / "set.csv"), "--methods", "random"]
    assert evaluate(tmp_path / "out", *data) == 0
    captured = capsys.readouterr()
    assert "1 pairs measured, 4 rows skipped, of 5" in captured.out
    for row in ("row 3 skipped", "row 4 skipped", "row 5 skipped", "row 6 skipped"):
        assert row in captured.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Rows skipped: 4" in page
    assert evaluate(tmp_path / "out", *data, "--only-report") == 0
    assert "4 rows skipped" in capsys.readouterr().out


@pytest.mark.slow
def test_a_measured_row_is_kept_when_its_picture_is_missing_at_a_later_run(tmp_path, capsys):
    picture = tmp_path / "good.png"
    Image.new("RGB", (60, 60), "green").save(picture)
    (tmp_path / "set.csv").write_text("image,caption\ngood.png,a dog\n")
    data = ["--data", str(tmp_path / "set.csv")]
    assert evaluate(tmp_path / "out", *data, "--methods", "random") == 0
    (record,) = (tmp_path / "out" / "records").iterdir()
    measured = json.loads(record.read_text())
    picture.unlink()
    assert evaluate(tmp_path / "out", *data, "--methods", "random", "exclip") == 0
    assert "0 pairs measured, 1 rows skipped" in capsys.readouterr().out
    kept = json.loads(record.read_text())
    assert "good.png does not exist" in kept.pop("skipped")
    assert kept == measured
    assert evaluate(tmp_path / "out", *data, "--methods", "random") == 0
    assert "1 pairs measured, 0 rows skipped" in capsys.readouterr().out
    Image.new("RGB", (60, 60), "green").save(picture)
    assert evaluate(tmp_path / "out", *data, "--methods", "random", "exclip") == 0
    assert "1 pairs measured, 0 rows skipped" in capsys.readouterr().out
    assert "skipped" not in json.loads(record.read_text())


def test_a_row_whose_embeddings_are_not_finite_is_skipped_and_the_rest_measured(tmp_path, capsys, monkeypatch):
    for name, color in (("bad", "red"), ("good", "green")):
        Image.new("RGB", (60, 60), color).save(tmp_path / f"{name}.png")
    (tmp_path / "set.csv").write_text("image,caption\nbad.png,a dog\ngood.png,a dog\n")
    encode = SharedGame.encoder

    def broken(game, modality):
        inner = encode(game, modality)
        red = game.picture[0, 0, 0] > 200
        return (lambda masks: inner(masks) * float("nan")) if red and modality == "image" else inner

    monkeypatch.setattr(SharedGame, "encoder", broken)
    for _ in range(2):  # a resumed run meets the same row
        data = ["--data", str(tmp_path / "set.csv"), "--methods", "random"]
        assert evaluate(tmp_path / "out", *data) == 0
        captured = capsys.readouterr()
        assert "1 pairs measured, 1 rows skipped, of 2" in captured.out
        assert "row 2 skipped: The image encoder returned values that are not finite" in captured.err


def test_captions_cannot_leave_their_place_in_the_page(tmp_path):
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    Image.new("RGB", (60, 60), "green").save(folder / "<script>alert(2)<.png")
    assert evaluate(tmp_path / "out", "--data", str(folder), "--methods", "random") == 0
    assert not (tmp_path / "out" / "report.html").exists()  # nothing could be measured: its caption is missing
    (folder / "<script>alert(2)<.txt").write_text("<script>alert(3)</script>")
    Image.new("RGB", (60, 60), "green").save(folder / "<script>alert(4)<.png")
    assert evaluate(tmp_path / "out", "--data", str(folder), "--methods", "random") == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "alert(1)" in page
    assert "alert(4)" in page
    assert "<img src=x" not in page
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "bad", [["--p", "1.5"], ["--masks", "1"], ["--budget", "2"], ["--methods", "lime"], ["--jobs", "0"]]
)
def test_invalid_settings_are_rejected(tmp_path, bad, capsys):
    assert main(["evaluate", "--out", str(tmp_path), *bad]) == 2
    assert "error:" in capsys.readouterr().err


# -- tables ---------------------------------------------------------------------------------------------------------


def test_means_have_the_normal_interval_over_pairs():
    def mean(*values):
        return means(flat([{"methods": {"a": {"aid": value}}} for value in values]), "aid").loc["a"]

    average = mean(1.0, 2.0, 3.0, None, float("nan"))
    assert average["mean"] == 2.0
    assert average["half"] == pytest.approx(1.959964 / math.sqrt(3))
    assert with_interval(*average) == "2.00 ± 1.13"
    assert with_interval(*mean(None)) == "–"
    assert with_interval(*mean(-0.5)) == "−0.50"
    assert with_interval(*mean(-0.001)) == "0.00"
    assert with_interval(*mean(0.5)) == "0.50"


def test_curves_are_averaged_point_by_point():
    records = [{"objects": 1, "methods": {"a": {"most": [0.0, value], "least": None}}} for value in (1.0, 3.0)]
    points = curve(flat(records), "a", "most")
    np.testing.assert_allclose(points["mean"], [0.0, 2.0])
    np.testing.assert_allclose(points["half"], [0.0, 1.959964 * math.sqrt(2) / math.sqrt(2)])
    assert len(curve(flat(records), "a", "least")) == 0


def test_the_table_has_a_column_for_each_number_of_objects():
    records = [{"objects": count, "methods": {"a": {"pgr": 0.5}}} for count in (1, 3)]
    head, _, row = markdown(comparison(flat(records), {"a": "A"}, [0.5])).splitlines()
    assert "PGR, 1 object |" in head
    assert "PGR, 3 objects |" in head
    assert row.startswith("| A | 0.50 | 0.50 | – |")


def test_each_pair_has_its_own_record(tmp_path):
    records = Records(tmp_path, SMALL)
    records.save("a/b", {"methods": {"x": {"aid": float("nan")}}})
    assert records.of("a/b") == {"name": "a/b", "methods": {"x": {"aid": None}}}
    assert records.of("other") == {}
