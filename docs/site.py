"""``make docs``: the documents as a site that opens offline, with a reference written from the code. Needs mkdocs-material."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from docs import reference

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""Pages beside the folder of documents."""
BESIDE = (
    *("LICENSE", "CITATION.cff", "examples/*", "benchmarks/*.py", "tests/examples/*.py", "src/vesalius/**/*.py"),
    *("docs/*.yaml", "docs/*.py", "docs/pictures/*.png", "docs/pictures/*.jpg", "docs/pictures/*.svg", "docs/assets/*", "docs/proofs/*.py"),
)
"""What pages link to or show."""
_SHIM = "https://unpkg.com/iframe-worker/shim"
"""What the theme would load from elsewhere for the search of pages that were opened from the disk; ours is ``docs/assets/search-from-disk.js``."""
TITLES = {"commands.md": "Commands", "python.md": "Python", "recipes.md": "Recipes", "names.md": "Names and their fields"}


def stage(folder: Path) -> None:
    """Copy every page into ``folder`` as it lies here, so that links lead where they lead here, and write the reference."""
    for pattern in (*PAGES, "docs/**/*.md", *BESIDE):
        for file in sorted(ROOT.glob(pattern)):
            if file.is_file():
                place = folder / file.relative_to(ROOT)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
    (folder / "docs" / "reference").mkdir()
    for name, text in reference.pages().items():
        (folder / "docs" / "reference" / name).write_text(text)


def nav() -> list[dict[str, Any]]:
    """What ``docs/index.md`` lists under its heads, then the reference and the pages beside the documents."""
    found: list[dict[str, Any]] = [{"Vesalius": "README.md"}, {"Contents": "docs/index.md"}]
    for part in (ROOT / "docs" / "index.md").read_text().split("\n## ")[1:]:
        head, _, text = part.partition("\n")
        lines = re.findall(r"\[([^\]]+)\]\(([^)]+\.md)\)", text)
        found.append({head: [{title.replace("`", ""): f"docs/{place}"} for title, place in lines if not place.startswith("..")]})
    found.append({"Reference": [{title: f"docs/reference/{name}"} for name, title in TITLES.items()]})
    return [*found, {"Project": [{"Contributing": "CONTRIBUTING.md"}, {"Security": "SECURITY.md"}, {"Changes": "CHANGELOG.md"}]}]


def config(staged: Path, site: Path) -> dict[str, Any]:
    """What mkdocs is told: nothing comes from elsewhere, pages open from the disk, a broken link is an error."""
    return {
        "site_name": "Vesalius",
        "docs_dir": str(staged),
        "site_dir": str(site),
        "use_directory_urls": False,
        "theme": {
            "name": "material",
            "font": False,
            "features": ["navigation.tabs", "navigation.indexes", "navigation.top", "toc.follow", "search.highlight", "content.code.copy"],
            "palette": [_palette("light", "default", "weather-night", "Dark"), _palette("dark", "slate", "weather-sunny", "Light")],
        },
        "plugins": ["search", "offline"],
        "markdown_extensions": ["tables", "toc", "pymdownx.highlight", "pymdownx.superfences"],
        "validation": {"omitted_files": "info", "absolute_links": "warn", "unrecognized_links": "warn", "anchors": "warn"},
        "nav": nav(),
    }


def _palette(prefers: str, scheme: str, icon: str, other: str) -> dict[str, Any]:
    toggle = {"icon": f"material/{icon}", "name": other}
    return {"media": f"(prefers-color-scheme: {prefers})", "scheme": scheme, "primary": "teal", "toggle": toggle}


def build(site: Path, work: Path) -> None:
    """The site in ``site``. Raises SystemExit with every link that leads nowhere."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    stage(work / "pages")
    (work / "mkdocs.yml").write_text(yaml.safe_dump(config(work / "pages", site), sort_keys=False))
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(work / "mkdocs.yml")]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)  # noqa: S603
    if done.returncode:
        raise SystemExit("\n".join(line for line in done.stderr.splitlines() if not line.startswith("INFO")))
    for page in site.rglob("*.html"):
        up = "../" * len(page.relative_to(site).parents[1:])
        page.write_text(page.read_text().replace(_SHIM, f"{up}docs/assets/search-from-disk.js"))


def main() -> None:
    """``python -m docs.site [--out site]``."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--out", type=Path, default=ROOT / "site")
    given = asked.parse_args()
    build(given.out.resolve(), ROOT / "build" / "site")
    print(given.out / "index.html")


if __name__ == "__main__":
    main()
