"""The documentation as tests read it."""

import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "src" / "universal_calendar"
DOCS: Final = ROOT / "docs"
README: Final = ROOT / "README.md"
OPERATIONS: Final = DOCS / "operations.md"
AGENT_API: Final = DOCS / "agent-api.md"
HOURS: Final = DOCS / "hours.md"

PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("clients/*/*.md")]
)
DECISIONS: Final = sorted((DOCS / "adr").glob("[0-9]*.md"))


def name_of(page: Path) -> str:
    """Return the page's path inside the repository."""
    return str(page.relative_to(ROOT))


@cache
def text_of(page: Path) -> str:
    """Return the whole page."""
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """Return the page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.M | re.S)


def blocks(page: Path, language: str) -> list[str]:
    """Return the page's code in one language, block by block."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.M | re.S)


def quoted(page: Path) -> list[str]:
    """Return what the prose has between backticks."""
    return re.findall(r"`([^`\n]+)`", prose_of(page))


def anchors(page: Path) -> set[str]:
    """Return the page's headings as links name them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading).strip() for heading in headings)
    return {heading.lower().replace(" ", "-") for heading in plain}


def section(page: Path, heading: str) -> str:
    """Return the text below a heading of the second level."""
    pattern = rf"^## {heading}\n(.*?)(?=^## |\Z)"
    found = re.search(pattern, text_of(page), re.M | re.S)
    assert found is not None
    return str(found[1])


def first_column(text: str) -> list[str]:
    """Return what the tables' first cells quote, row by row."""
    rows = re.findall(r"^\| (`.*?`) \|", text, re.M)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]
