"""The site builds from the pages without warnings, its links lead somewhere, and it contains every public name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import sync_playwright
from sphinx.util.inventory import InventoryFile

import fixlip_widgets as fx
from fixlip_widgets.pages.traits import SETTINGS, WidgetTraits
from tests.e2e.browser import launch
from tests.e2e.harness import AXE
from tests.test_public_names import BASELINES, DEMO, ESTIMATORS, EXPLAINER, EXPLANATION, GAME, METRICS, PACKAGE, WIDGET

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOT_PAGES = {"__version__", "baselines", "demo", "estimators", "metrics"}
"""A version, and modules, whose members have entries."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, with notebooks that were not run."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-D", "nb_execution_mode=off"]
    done = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def entries(site: Path) -> set[str]:
    """Names of the Python objects that the site documents."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    return {name for kind, names in inventory.data.items() if kind.startswith("py:") for name in names}


@pytest.mark.slow
def test_every_public_name_has_an_entry(site: Path, entries: set[str]):
    pages = "".join(path.read_text(encoding="utf-8") for path in (site / "reference" / "api").glob("*.html"))
    # attributes that are described together, such as "main_se, interactions_se", have one entry without a target
    described = set(re.findall(r"\w+", " ".join(re.findall(r'<dt class="sig[^>]*>(.*?)</dt>', pages, re.DOTALL))))
    names = {*PACKAGE.split(), "explain_corpus", "Corpus", "Model", "report"} - NOT_PAGES
    modules = {"baselines": BASELINES, "metrics": METRICS, "demo": DEMO, "estimators": ESTIMATORS}
    names |= {f"{module}.{name}" for module, members in modules.items() for name in members.split()}
    classes = {fx.Explanation: EXPLANATION, fx.VisionLanguageGame: GAME, fx.IncrementalExplainer: EXPLAINER}
    missing = {name for name in names if f"fixlip_widgets.{name}" not in entries}
    for owner, members in {**classes, fx.FixlipWidget: WIDGET}.items():
        owners = [f"fixlip_widgets.{owner.__name__}", *(f"{each.__module__}.{each.__name__}" for each in owner.__mro__)]
        others = {name for name in members.split() if entries.isdisjoint(f"{each}.{name}" for each in owners)}
        missing |= others - described
    assert missing == set()


@pytest.mark.slow
def test_classes_of_other_packages_link_to_their_documentation(site: Path):
    pages = "".join(path.read_text(encoding="utf-8") for path in (site / "reference" / "api").glob("*.html"))
    linked = set(re.findall(r'<a class="reference external" href="https://[^"]*#([^"]+)" title="\(in ', pages))
    inventories = sorted((DOCS / "inventories").glob("*.inv"))
    named = {line.split()[0] for path in inventories for line in path.read_text("utf-8").splitlines()[3:]}
    assert named
    assert linked == named


@pytest.mark.slow
@pytest.mark.parametrize("command", ["explain", "classify", "evaluate", "margins", "bench", "doctor"])
def test_every_command_has_its_options(site: Path, command: str):
    page = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert f'id="cmdoption-fixlip-widgets-{command}-' in page


@pytest.mark.slow
def test_pages_need_no_network(site: Path):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for start in ('src="http', '<link rel="stylesheet" type="text/css" href="http', "@import"):
            assert start not in text, f"{page.name}: {start}"


@pytest.mark.slow
def test_the_first_page_is_light(site: Path):
    page = (site / "index.html").read_text(encoding="utf-8")
    images = sum(path.stat().st_size for path in (site / "_images").iterdir() if path.name in page)
    assert len(page) + images < 300_000


ACCESSIBLE = (
    "index",
    "explanation/signs",
    "explanation/method",
    "reference/glossary",
    "notebooks/course/1_four_players",
)


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_pages(site: Path, scheme: Literal["light", "dark"]):
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(color_scheme=scheme)
        for name in ACCESSIBLE:
            page.goto((site / f"{name}.html").as_uri())
            page.add_script_tag(path=AXE)
            violations = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
            assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in violations] == [], name
        browser.close()


@pytest.mark.slow
def test_figures_have_every_kind_of_trace(site: Path):
    (bundle,) = (site / "_static").glob("plotly-*.min.js")
    assert 'moduleType:"trace",name:"heatmap"' in bundle.read_text(encoding="utf-8")


@pytest.mark.slow
def test_why_is_it_negative_is_two_clicks_from_the_readme(site: Path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((docs/[^)#]+\.md)\)", readme)
    pages = [site / Path(link).relative_to("docs").with_suffix(".html") for link in links]
    assert any("Reading signs: why is it negative?" in page.read_text(encoding="utf-8") for page in pages)


def test_every_setting_of_the_widget_is_listed_with_its_default():
    lines = (DOCS / "reference" / "traits.md").read_text(encoding="utf-8").splitlines()
    rows = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    assert set(rows) >= SETTINGS
    for name in SETTINGS - {"text", "chosen"}:
        default = WidgetTraits.class_traits()[name].default()
        assert f"| `{str(default) if not isinstance(default, str) else chr(34) + default + chr(34)}` |" in rows[name]
