"""Links lead somewhere, named files exist, and decisions have their form."""

import json
import re
from pathlib import Path

import pytest

from tests.pages import (
    DECISIONS,
    DOCS,
    PAGES,
    ROOT,
    SOURCE,
    anchors,
    blocks,
    name_of,
    prose_of,
    quoted,
    text_of,
)

SECTIONS = ["Context", "Decision", "Consequences", "Alternatives", "Check"]
IN_REPOSITORY = r"(src|tests|tools|docs|bench|clients|requirements)/[\w./-]+"
IN_SOURCE = r"(core|services|store|web|bootstrap|cli)/[\w/]+\.(py|sql)"

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
every_decision = pytest.mark.parametrize("page", DECISIONS, ids=name_of)


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", prose_of(page))
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), target
        assert not anchor or anchor in anchors(aim), target


@every_page
def test_named_files_exist(page: Path) -> None:
    for name in quoted(page):
        if re.fullmatch(IN_REPOSITORY, name):
            assert (ROOT / name).exists(), name
        if re.fullmatch(IN_SOURCE, name):
            assert (SOURCE / name).exists(), name


@every_page
def test_json_is_json(page: Path) -> None:
    for block in blocks(page, "json"):
        json.loads(block)


@every_page
def test_nothing_is_left_open(page: Path) -> None:
    assert not re.search(r"/root/|lorem ipsum|TODO|TBD", text_of(page))


@every_decision
def test_decision_has_its_sections(page: Path) -> None:
    assert text_of(page).startswith(f"# {page.name[:4]} ")
    assert re.findall(r"^## (.*)$", text_of(page), re.M) == SECTIONS
    assert all(part.strip() for part in parts_of(page))


@every_decision
def test_decision_is_short(page: Path) -> None:
    context, decision, *_ = parts_of(page)
    assert len(sentences(context)) == 4
    assert len(sentences(decision)) == 2


@every_decision
def test_decision_names_a_check_that_exists(page: Path) -> None:
    check = parts_of(page)[-1]
    names = re.findall(r"`([\w./-]+)[^`]*`", check)
    places = [place / name for name in names for place in (ROOT, SOURCE)]
    assert any(place.exists() for place in places)


def parts_of(page: Path) -> list[str]:
    """Return the text of each section."""
    return re.split(r"^## .*\n", text_of(page), flags=re.M)[1:]


def sentences(text: str) -> list[str]:
    """Split where a sentence ends and another begins."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`])", text.strip())


def test_decisions_are_numbered_and_listed() -> None:
    index = text_of(DOCS / "adr" / "README.md")
    for number, page in enumerate(DECISIONS, start=1):
        assert page.name.startswith(f"{number:04}-")
        title = text_of(page).partition("\n")[0].partition(" ")[2][5:]
        assert f"| [{number:04}]({page.name}) | {title} |" in index


def test_cited_decisions_exist() -> None:
    places = [ROOT / "pyproject.toml", *SOURCE.rglob("*.py"), *SOURCE.rglob("*.sql")]
    source = "".join(place.read_text() for place in places)
    cited = {int(number) for number in re.findall(r"\bADR (\d+)", source)}
    assert {4, 12} <= cited <= set(range(1, len(DECISIONS) + 1))


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        named = re.findall(r"(?:`|^\$ )make ([a-z]+)", text_of(page), re.M)
        assert set(named) <= targets, page
