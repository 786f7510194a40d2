"""The command line, called as users call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from open_clip import CLIP
from PIL import Image
from safetensors.torch import save_file

import fixlip_widgets as fx
from fixlip_widgets import doctor
from fixlip_widgets.cli import main
from tests.golden import DATA, tiny_weights
from tests.pages.reading import Page

SCENE = ("demo:dog_and_banana", "--budget", "2^9")


def test_explain_prints_what_explain_returns(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", *SCENE, "--p", "0.4", "--seed", "3", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    scene = fx.demo.scene("dog_and_banana")
    expected = fx.explain(scene.image, scene.caption, p=0.4, budget=2**9, seed=3)
    assert printed["names"] == list(expected.names)
    assert printed["p"] == 0.4
    np.testing.assert_allclose(printed["interactions"], expected.interactions, rtol=1e-5, atol=1e-7)


def test_warnings_are_printed_as_errors_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    picture = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(picture)
    assert main(["explain", str(picture), "a dog", "--grid", "2x2", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("fixlip-widgets: warning: The packaged demo model knows only drawn emoji scenes")
    assert json.loads(captured.out)["grid"] == [2, 2]


def test_explain_lists_the_strongest_terms(capsys: pytest.CaptureFixture[str]):
    assert main(["explain", *SCENE]) == 0
    caption, summary, *rows = capsys.readouterr().out.splitlines()
    assert caption == "a dog next to a banana"
    assert "similarity" in summary
    sizes = [abs(float(row.split("  ")[-2 if "±" in row else -1])) for row in rows]
    assert len(sizes) > 5
    assert sizes == sorted(sizes, reverse=True)


def test_explain_writes_a_report_of_a_file_and_a_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    picture, report = tmp_path / "scene.png", tmp_path / "report.html"
    fx.demo.scene("guitar").image.save(picture)
    options = ["--budget", "2048", "--grid", "4x4", "--out", str(report)]
    assert main(["explain", str(picture), "a guitar", *options]) == 0
    page = report.read_text()
    assert page.lower().startswith("<!doctype html>")
    assert "a guitar" in page
    assert "<svg" in page
    assert 'src="http' not in page
    (saved,) = Page(page).json("saved")
    grid = {snapshot["p"] for snapshot in saved["snapshots"]}
    assert {0.4, 0.5, 0.6} <= grid <= {p / 10 for p in range(1, 10)}, "p can be moved without the model"


def test_the_values_in_a_report_can_be_chosen(tmp_path: Path):
    report = tmp_path / "report.html"
    options = ["--budget", "512", "--out", str(report), "--p-grid", "0.3", "--budgets", "256", "512"]
    assert main(["explain", *SCENE, *options]) == 0
    (saved,) = Page(report.read_text()).json("saved")
    settings = {(snapshot["p"], snapshot["budget"]) for snapshot in saved["snapshots"]}
    assert settings == {(p, budget) for p in (0.3, 0.5) for budget in (256, 512)}
    assert main(["explain", *SCENE, "--max-encodings", "100", "--out", str(report)]) == 0
    (saved,) = Page(report.read_text()).json("saved")
    assert [snapshot["p"] for snapshot in saved["snapshots"]] == [0.5], "more p would take more encodings"
    assert saved["settings"]["level"] == "auto"
    assert main(["explain", *SCENE, "--method", "grad_eclip", "--level", "all", "--out", str(report)]) == 0
    (saved,) = Page(report.read_text()).json("saved")
    assert saved["settings"]["level"] == "all"


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["demo:no_such_scene"], "no_such_scene"),
        (["no_such_file.png", "a dog"], "no_such_file.png"),
        (["picture.png"], "needs a caption"),
        (["demo:guitar", ""], "empty"),
        (["demo:guitar", "banana " * 200], "token"),
        (["demo:guitar", "--p", "1.5"], "1.5"),
        (["demo:guitar", "--budget", "2"], "2"),
        (["demo:guitar", "--method", "guess"], "guess"),
        (["demo:guitar", "--model", "ViT-B-33", "--pretrained", "openai"], "ViT-B-33"),
        (["demo:guitar", "--pretrained", "openai"], "--model"),
        (["demo:guitar", "--out", "no/such/folder/report.html"], "folder"),
        (["demo:guitar", "--p-grid", "0.3", "--level", "all"], "--p-grid and --level describe the report; pass --out"),
        (["demo:guitar", "--out", "r.html", "--method", "grad_eclip", "--p-grid", "0.3"], "--p-grid cannot be used"),
        (["demo:guitar", "--out", "r.html", "--method", "shapley", "--budgets", "512"], "--budgets cannot be used"),
        (["demo:guitar", "--masking", "pink"], "zero, mean, blur, remove"),
        (["demo:guitar", "--grid", "4x999"], "does not fit an image of 128×128 pixels"),
        (["demo:guitar", "--regions", "1"], "from 2 to 1024"),
        (["demo:guitar", "--regions", "9", "--grid", "4x4"], "not both"),
        (["demo:guitar", "--regions", "9", "--masking", "remove"], "remove"),
        (["demo:guitar", "--quick-gelu"], "the demo model has its own"),
        (["demo:guitar", "--no-quick-gelu"], "the demo model has its own"),
        (["demo:guitar", "--image-size", "64"], "the demo model has its own"),
        (["demo:guitar", "--model", "ViT-B-32", "--image-size", "-1"], "image_size is -1"),
        (["demo:guitar", "--device", "abacus"], "'abacus' is not available"),
        (["demo:guitar", "--precision", "int3"], "float32, bfloat16, float16, auto"),
    ],
)
def test_invalid_arguments_are_rejected_in_a_sentence(
    arguments: list[str], fragment: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["explain", *arguments]) == 2
    message = capsys.readouterr().err
    assert message.startswith("fixlip-widgets: error: ")
    assert fragment in message
    assert "Traceback" not in message


@pytest.mark.parametrize("grid", ["4x2", "4×2"])
def test_explain_takes_players_and_masking_as_explain_does(grid: str, capsys: pytest.CaptureFixture[str]):
    options = ("--grid", grid, "--words", "--masking", "blur", "--device", "cpu", "--precision", "float32")
    assert main(["explain", *SCENE, *options, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    scene = fx.demo.scene("dog_and_banana")
    model = fx.load_model(device="cpu", precision="float32")
    expected = fx.explain(scene.image, scene.caption, model=model, grid=(4, 2), words=True, masking="blur", budget=2**9)
    assert (printed["grid"], printed["masking"], printed["names"]) == ([4, 2], "blur", list(expected.names))
    np.testing.assert_allclose(printed["interactions"], expected.interactions, rtol=1e-5, atol=1e-7)


def test_explain_writes_a_report_on_superpixels(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("skimage")
    report = tmp_path / "report.html"
    assert main(["explain", *SCENE, "--regions", "12", "--out", str(report)]) == 0
    assert "region" in capsys.readouterr().out
    assert '"paths":["M' in report.read_text()


@pytest.mark.parametrize("text", ["4", "4x", "axb", "4,4", "-4x4"])
def test_an_invalid_grid_is_rejected(text: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_info:
        main(["explain", "demo:guitar", f"--grid={text}"])
    assert exit_info.value.code == 2
    assert "4x4" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["many", "2^", "-3^2", "1e5"])
def test_an_invalid_budget_is_rejected(text: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_info:
        main(["explain", "demo:guitar", f"--budget={text}"])
    assert exit_info.value.code == 2
    assert "2^17" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["explain", "--help"], ["doctor", "--help"]])
def test_help_needs_nothing_heavy(command: list[str]):
    script = (
        "import sys\nfrom fixlip_widgets.cli import main\n"
        f"try:\n    main({command})\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'open_clip', 'anywidget'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_module_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "fixlip_widgets", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"fixlip-widgets {fx.__version__}"


def test_doctor_finds_nothing_serious_here(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor"]) == 0
    table = capsys.readouterr().out
    for subject in ("torch", "open-clip-torch", "anywidget", "ipykernel", "device", "front end", "demo model"):
        assert subject in table.lower().replace("_", "-")


def pretend(monkeypatch: pytest.MonkeyPatch, package: str, version: str | None) -> None:
    """Simulate that ``package`` is installed in that version, or not at all."""
    real = doctor.metadata.version

    def installed(name: str) -> str:
        if name != package:
            return real(name)
        if version is None:
            raise doctor.metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(doctor.metadata, "version", installed)


@pytest.mark.parametrize(
    ("version", "state"), [("7.0.0", "wrong"), ("7.1.0", "ok"), ("6.29.5", "ok"), (None, "absent")]
)
def test_doctor_flags_the_ipykernel_that_loses_messages(
    version: str | None, state: str, monkeypatch: pytest.MonkeyPatch
):
    pretend(monkeypatch, "ipykernel", version)
    (finding,) = [finding for finding in doctor.examine() if finding.subject == "ipykernel"]
    assert finding.state == state
    assert bool(finding.remedy) == (state != "ok")


def test_doctor_reports_whether_each_extra_is_installed(monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, "sentencepiece", None)
    extras = {finding.subject: finding for finding in doctor.examine() if finding.subject.startswith("[")}
    names = "siglip transformers superpixels frame png evaluate shapiq corpus ray docs"
    assert {*extras} == {f"[{name}]" for name in names.split()}
    siglip = extras.pop("[siglip]")
    assert (siglip.state, siglip.serious) == ("absent", False)
    assert "sentencepiece not installed" in siglip.detail
    assert siglip.remedy == "pip install 'fixlip-widgets[siglip]'"
    assert {finding.state for finding in extras.values()} == {"ok"}


def test_doctor_names_a_missing_package_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    pretend(monkeypatch, "plotly", None)
    (finding,) = [finding for finding in doctor.examine() if finding.subject == "plotly"]
    assert finding.serious
    assert "pip install 'plotly" in finding.remedy


@pytest.fixture
def tiny_files(tmp_path: Path) -> list[str]:
    """Return the options that load a small model from its files."""
    save_file(tiny_weights(), tmp_path / "weights.safetensors")
    return ["--model", str(DATA / "tiny_clip.json"), "--pretrained", str(tmp_path / "weights.safetensors")]


@pytest.mark.parametrize(
    ("given", "loading"),
    [
        (["--quick-gelu"], {"quick_gelu": True}),
        (["--no-quick-gelu"], {"quick_gelu": False}),
        (["--image-size", "32"], {"image_size": 32}),
    ],
)
def test_loading_options_are_those_of_load_model(
    given: list[str], loading: dict[str, Any], tiny_files: list[str], capsys: pytest.CaptureFixture[str]
):
    model = fx.load_model(tiny_files[1], tiny_files[3], device="cpu", **loading)
    scene = fx.demo.scene("guitar")
    assert main(["explain", "demo:guitar", *tiny_files, *given, "--grid", "2x2", "--device", "cpu", "--json"]) == 0
    expected = fx.VisionLanguageGame(model, scene.image, scene.caption, (2, 2)).similarity
    assert json.loads(capsys.readouterr().out)["similarity"] == pytest.approx(expected, abs=1e-5)


def test_no_check_omits_the_models_own_forward_pass(
    tiny_files: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    own = CLIP.encode_text
    monkeypatch.setattr(CLIP, "encode_text", lambda clip, ids, **more: own(clip, ids.roll(3), **more))
    command = ["explain", "demo:guitar", *tiny_files, "--grid", "2x2", "--device", "cpu", "--json"]
    assert main(command) == 2
    assert "the text embedding differs" in capsys.readouterr().err
    assert main([*command, "--no-check"]) == 0
