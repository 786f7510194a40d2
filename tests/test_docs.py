"""What the documents point at is there: files, folders and headings."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATH = re.compile(r"`((?:[\w.]+/)*[\w.]+(?:/|\.(?:py|ts|tsx|md)))`")
"""A folder, or a file of ours, in backticks."""


def headings(document: Path) -> set[str]:
    """The anchors that a code host gives a document's headings."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_the_repository_leads_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", document.read_text(encoding="utf-8"))
    for path, anchor in links:
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not anchor or anchor in headings(target), f"{path}#{anchor}"


def test_the_map_for_developers_names_what_is_there():
    named = PATH.findall((ROOT / "docs" / "developing.md").read_text(encoding="utf-8"))
    assert len(named) > 50
    gone = [path for path in named if not any((folder / path).exists() for folder in (ROOT, ROOT / "fixlip_widgets"))]
    assert not gone


def test_the_pages_that_sources_name_are_there():
    sources = [path for folder in ("fixlip_widgets", "js/src") for path in (ROOT / folder).rglob("*.[pt]*")]
    named = {
        page
        for path in sources
        if path.suffix in {".py", ".ts", ".tsx"}
        for page in re.findall(r"docs/[\w/-]+\.md", path.read_text("utf-8"))
    }
    assert named
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []


def test_every_term_that_the_view_defines_is_in_the_glossary():
    source = (ROOT / "js" / "src" / "ui" / "Definition.tsx").read_text("utf-8")
    table = source[source.index("DEFINITIONS = {") : source.index("} as const")]
    terms = re.findall(r'^  "?([\w-]+)"?:', table, re.MULTILINE)
    assert len(terms) >= 14
    names = {"r2": "held-out R²", "se": "standard error", "main": "main effect"}
    glossary = (ROOT / "docs" / "reference" / "glossary.md").read_text("utf-8")
    entries = {line.lower() for line in glossary.splitlines() if line and line[0] not in " :"}
    assert {names.get(term, term).lower() for term in terms} <= entries
