"""The documentation's site: builds without a warning, is whole, loads nothing from elsewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest

import inpaint_sdk
from inpaint_sdk.cli.main import main
from support.documents import ROOT

pytest.importorskip("mkdocs", reason="the site needs the extra docs")

LOADS = re.compile(
    r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)"'
)
CSS_LOADS = re.compile(r"(?:url\(|@import\s*)[\"']?(https?:)?//")
LINK = re.compile(r"\]\(([^)\s]+)\)")

WITH_LINKS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
"""Documents beside the site's, whose links no build checks."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build(ROOT / "mkdocs.yml", folder)
    return folder


def build(configuration: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    places = ["--config-file", str(configuration), "--site-dir", str(folder)]
    run = subprocess.run([*command, *places], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    loaded = {
        a or b: page.name for page in pages for a, b in LOADS.findall(page.read_text("utf-8"))
    }
    foreign = [(url, page) for url, page in loaded.items() if urlsplit(url).netloc]
    assert foreign == []
    styles = [path.name for path in site.rglob("*.css") if CSS_LOADS.search(path.read_text())]
    assert styles == []


@pytest.mark.slow
def test_all_that_is_public_is_described(site: Path) -> None:
    text = "".join(path.read_text("utf-8") for path in (site / "api").rglob("*.html"))
    names = set(inpaint_sdk.__all__) - {"__version__"}
    described = {name for name in names if f'id="inpaint_sdk.{name}"' in text}
    described |= {name for name in names if f'id="inpaint_sdk.errors.{name}"' in text}
    assert names - described == set()
    for method in ("Restorer.restore", "Restorer.close", "Detector.detect", "Plan.run"):
        assert f'id="inpaint_sdk.{method}"' in text


@pytest.mark.slow
def test_all_commands_are_described(site: Path) -> None:
    """The page is the program's manual."""
    text = (site / "cli" / "index.html").read_text("utf-8")
    for name, command in main.commands.items():
        assert f'id="inpaint-sdk-{name}"' in text
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in text


@pytest.mark.slow
@pytest.mark.parametrize("link", ["other.md#no-such-part", "no-such-page.md", "../outside.md"])
def test_a_link_that_leads_nowhere_ends_the_build(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Page\n\n[there]({link})\n")
    (tmp_path / "docs" / "other.md").write_text("# Other\n")
    settings = {"nav": ["index.md", "other.md"], "plugins": [], "watch": [], "extra_css": []}
    configuration = tmp_path / "mkdocs.yml"
    configuration.write_text(json.dumps({"INHERIT": str(ROOT / "mkdocs.yml"), **settings}))
    with pytest.raises(AssertionError, match=re.escape(f"'{link}'")):
        build(configuration, tmp_path / "site")


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    pages = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}
    listed = re.findall(r"[\w/.-]+\.md\b", text[text.index("\nnav:") : text.index("\ntheme:")])
    assert len(listed) == len(set(listed))
    assert set(listed) == pages


@pytest.mark.parametrize("name", WITH_LINKS)
def test_links_beside_the_site_lead_somewhere(name: str) -> None:
    for link in LINK.findall((ROOT / name).read_text("utf-8")):
        target = urlsplit(link)
        if target.scheme or not target.path:
            continue
        assert (ROOT / unquote(target.path)).exists(), f"{name} links {link}"
