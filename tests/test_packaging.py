"""The contents of a wheel, and that building one needs only Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import fixlip_widgets

REPOSITORY = Path(__file__).resolve().parents[1]
NODE = {"node", "nodejs", "npm", "npx", "corepack"}


def build(source: Path, kind: str, folder: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Build the sdist or wheel of ``source`` with the packages of this environment."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(build(REPOSITORY, "wheel", tmp_path_factory.mktemp("wheel"))) as wheel:
        yield wheel


@pytest.fixture(scope="module")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return this process's environment without Node on the PATH."""
    folder = tmp_path_factory.mktemp("bin")
    for place in map(Path, os.environ["PATH"].split(os.pathsep)):
        for program in place.iterdir() if place.is_dir() else ():
            link = folder / program.name
            if program.name not in NODE and not link.is_symlink():
                link.symlink_to(program)
    return {**os.environ, "PATH": str(folder)}


def test_wheel_contains_front_end_demo_model_and_sprites(wheel: zipfile.ZipFile):
    names = wheel.namelist()
    for name in ("loader.js", "widget.js", "details.js", "gallery.js", "plotly.js", "offline.js"):
        assert f"fixlip_widgets/widget/static/{name}" in names
    assert any(name.startswith("fixlip_widgets/demo/") and name.endswith(".safetensors") for name in names)
    assert any(name.startswith("fixlip_widgets/demo/") and name.endswith(".json") for name in names)
    assert "fixlip_widgets/py.typed" in names


def test_wheel_contains_all_templates(wheel: zipfile.ZipFile):
    templates = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "fixlip_widgets").rglob("*.j2")}
    assert templates
    assert templates <= set(wheel.namelist())


def test_wheel_contains_nothing_but_the_package_and_its_papers(wheel: zipfile.ZipFile):
    places = {name.split("/")[0] for name in wheel.namelist()}
    assert places == {"fixlip_widgets", f"fixlip_widgets-{fixlip_widgets.__version__}.dist-info"}
    papers = {name.rpartition("/")[2] for name in wheel.namelist() if "/licenses/" in name}
    assert papers == {"LICENSE", "NOTICE"}


def test_wheel_is_under_15_megabytes(wheel: zipfile.ZipFile):
    assert Path(str(wheel.filename)).stat().st_size < 15e6


def test_wheel_holds_the_bundle_that_the_checkout_holds(wheel: zipfile.ZipFile):
    bundle = REPOSITORY / "fixlip_widgets" / "widget" / "static" / "widget.js"
    assert wheel.read("fixlip_widgets/widget/static/widget.js") == bundle.read_bytes()


@pytest.mark.slow
def test_sdist_brings_its_bundle_so_that_no_node_is_needed(tmp_path: Path, without_node: dict[str, str]):
    with tarfile.open(build(REPOSITORY, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    with zipfile.ZipFile(build(source, "wheel", tmp_path / "wheel", without_node)) as wheel:
        assert "fixlip_widgets/widget/static/widget.js" in wheel.namelist()
    assert not (source / "js" / "node_modules").exists()


@pytest.mark.slow
def test_building_from_sources_installs_node_if_it_is_missing(tmp_path: Path, without_node: dict[str, str]):
    source = tmp_path / "source"
    unbuilt = shutil.ignore_patterns(".git", ".venv", "build", "node_modules", "static", "__pycache__", ".*_cache")
    shutil.copytree(REPOSITORY, source, ignore=unbuilt)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    done = subprocess.run(command, env=without_node, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as wheel:
        assert "fixlip_widgets/widget/static/widget.js" in wheel.namelist()


def test_lock_file_names_no_download_addresses():
    assert '"resolved"' not in (REPOSITORY / "js" / "package-lock.json").read_text()


def test_installed_version_is_that_of_the_package():
    from importlib.metadata import version

    assert version("fixlip-widgets") == fixlip_widgets.__version__


@pytest.mark.slow
@pytest.mark.parametrize("line", ["import open_clip", "import torchvision", "from transformers import CLIPModel"])
def test_other_packages_can_be_imported_before_this_one(line: str) -> None:
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
