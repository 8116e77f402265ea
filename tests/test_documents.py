"""What the documents point to is there: files, headings, modules and tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.places import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def anchors(document: Path) -> set[str]:
    """The names under which the headings of a Markdown file can be linked to."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_project_leads_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), f"{document.name} links to {link}, which does not exist"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{document.name} links to {link}, a heading that does not exist"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_of_the_package_and_the_tests_that_is_named_exists(document):
    text = document.read_text(encoding="utf-8")
    for name in set(re.findall(r"`((?:alpr_app|tests)/[\w/.]+)`", text)):
        assert "NAME" in name or (ROOT / name).exists(), f"{document.name} names {name}, which does not exist"
    for name in set(re.findall(r"`(test_\w+\.py)`", text)):
        assert "NAME" in name or list((ROOT / "tests").rglob(name)), (
            f"{document.name} names {name}, which does not exist"
        )
