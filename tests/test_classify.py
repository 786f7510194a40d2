"""``fixlip-widgets classify`` ranks classes and writes files."""

import csv

import pytest

from fixlip_widgets import demo, load_model
from fixlip_widgets.cli import main
from fixlip_widgets.encoders.models import Model
from tests.pages.reading import Page

CLASSES = ["--classes", "cat", "dog", "car"]
FEW = ["--budget", "64", "--regions", "6"]


def test_the_ranking_is_printed_without_invented_errors(capsys):
    assert main(["classify", "demo:dog_and_banana", *CLASSES, *FEW]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "3 classes, 6 regions, p=0.5, 64 masks, “a photo of a {}.”" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["class", "dog", "cat", "car"]
    assert all(line.endswith("%") for line in lines[2:])
    assert not any("±" in line for line in lines)


def test_templates_and_a_single_class(capsys):
    options = ["--classes", "dog", "--template", "a {}", "the {}"]
    assert main(["classify", "demo:dog_and_banana", *options, *FEW]) == 0
    out = capsys.readouterr().out
    assert "1 class" in out
    assert "2 templates" in out
    assert "%" not in out


@pytest.mark.parametrize("name", ["page.html", "table.csv", "picture.png", "picture.svg"])
def test_the_kind_of_file_follows_from_its_name(name, tmp_path):
    path = tmp_path / name
    assert main(["classify", "demo:dog_and_banana", *CLASSES, *FEW, "--out", str(path)]) == 0
    content = path.read_bytes()
    if name.endswith("png"):
        assert content.startswith(b"\x89PNG")
    elif name.endswith("svg"):
        assert content.startswith(b"<svg")
    elif name.endswith("csv"):
        rows = list(csv.DictReader(content.decode("utf-8").splitlines()))
        assert len(rows) == 3 * 6
        assert {row["class"] for row in rows} == {"cat", "dog", "car"}
    else:
        page = content.decode("utf-8")
        assert page.startswith("<!doctype html>")
        (saved,) = Page(page).json("saved")
        assert saved["classes"]["choices"][0] == ["dog"]
        assert {snapshot["result"]["caption"] for snapshot in saved["snapshots"]} >= {"dog", "cat", "dog − cat"}


def test_mistakes_are_one_sentence(capsys, tmp_path):
    for arguments, message in (
        (["--out", str(tmp_path / "a.pdf")], "must end with .html, .csv, .png, .svg"),
        (["--pretrained", "openai"], "pass --model"),
        (["--template", "a photo"], "contains {} once"),
        (["--p", "2"], "p is 2.0"),
    ):
        assert main(["classify", "demo:dog_and_banana", *CLASSES, *FEW, *arguments]) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_demo_model_ranks_what_its_scenes_show():
    """With the packaged model, the object of a scene with one object is the most probable class."""
    import fixlip_widgets as fx

    model = load_model()
    assert isinstance(model, Model)
    ranked = fx.explain_classes(
        demo.scene("guitar").image, ["dog", "guitar", "pizza"], model=model, budget=64, regions=4
    )
    assert ranked.rows(1)[0][0] == "guitar"
