"""Write .env.example and docs/configuration.md from Settings; `--check` compares."""

import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from pydantic.fields import FieldInfo

from universal_calendar.settings import Settings

ROOT = Path(__file__).parent.parent
# What cannot be read off the field: it depends on the machine, or on other settings.
COMPUTED = {
    "UC_HOME": "`/var/lib/universal-calendar` for root, else"
    " `~/.local/share/universal-calendar`",
    "ENVIRONMENT": "`development` or `production`",
}
EXAMPLE_HEAD = """\
# Every setting, with its default. `universal-calendar init` writes a .env with real
# secrets; add to it from here. An empty value is the same as none.
"""
PAGE_HEAD = """\
# Configuration

Settings are read from the environment, and from a file `.env` in the folder the
service is started in; the environment wins. `universal-calendar init` writes a `.env`
with secrets of its own, `universal-calendar doctor` checks what is set. An empty value
is the same as none.

| Name | Default | Meaning |
|---|---|---|
"""


class Setting(NamedTuple):
    """A setting as people write it."""

    name: str
    default: str
    meaning: str


def settings() -> Iterator[Setting]:
    """Describe every setting."""
    for field_name, field in Settings.model_fields.items():
        if not field.description:
            raise SystemExit(f"{field_name} has no description")
        yield Setting(field_name.upper(), _default(field), field.description)


def _default(field: FieldInfo) -> str:
    value = None if field.default_factory else field.default
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


def example() -> str:
    """Write .env.example: all commented out."""
    blocks = [EXAMPLE_HEAD]
    for setting in settings():
        meaning = textwrap.fill(
            setting.meaning, 88, initial_indent="# ", subsequent_indent="# "
        )
        blocks.append(f"{meaning}\n#{setting.name}={setting.default}\n")
    return "\n".join(blocks)


def page() -> str:
    """Write docs/configuration.md."""
    return PAGE_HEAD + "".join(_row(setting) for setting in settings())


def _row(setting: Setting) -> str:
    plain = f"`{setting.default}`" if setting.default else ""
    default = COMPUTED.get(setting.name, plain)
    return f"| `{setting.name}` | {default} | {setting.meaning} |\n"


def main() -> int:
    """Write the files, or with --check tell whether they are up to date."""
    targets = {
        ROOT / ".env.example": example(),
        ROOT / "docs" / "configuration.md": page(),
    }
    stale = [
        path
        for path, text in targets.items()
        if not path.exists() or path.read_text() != text
    ]
    for path in stale:
        if "--check" in sys.argv:
            print(f"{path.name} is out of date; run make docs", file=sys.stderr)
        else:
            path.write_text(targets[path])
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
