"""Write docs/openapi.json from the application's routes; `--check` only compares."""

import json
import sys
from pathlib import Path

from universal_calendar.web.app import openapi_document

TARGET = Path(__file__).parent.parent / "docs" / "openapi.json"


def main() -> int:
    """Write the file, or with --check tell whether it is up to date."""
    text = json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"
    if "--check" in sys.argv:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print("docs/openapi.json is out of date; run make docs", file=sys.stderr)
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
