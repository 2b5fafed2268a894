"""Pin every dependency with its hashes, and without the address of an index."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--upgrade"),
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
)
DEVELOPMENT = "development.txt"
TARGETS = {
    DEVELOPMENT: (
        "pyproject.toml",
        "clients/python/pyproject.toml",
        "--group",
        "dev",
    ),
    # What is shipped is what was tested.
    "runtime.txt": ("pyproject.toml", "--constraint", f"requirements/{DEVELOPMENT}"),
    "node.txt": ("requirements/node.in",),
}


def main() -> None:
    """Write requirements/*.txt anew, with the newest versions that fit."""
    for name, sources in TARGETS.items():
        target = ROOT / "requirements" / name
        subprocess.run(
            [*COMPILE, *sources, "--output-file", str(target)], cwd=ROOT, check=True
        )


if __name__ == "__main__":
    main()
