"""Check the documentation: links and anchors lead somewhere, examples run, no page names the machine it was written on.

Prints one line for each mistake, ``file:line: what is wrong``, and ends with code 1 where there is one. Takes the
folder to check; without it, the checkout. What the pages *say* is checked by the tests of what they describe.
"""

from __future__ import annotations

import contextlib
import doctest
import json
import re
import sys
import tempfile
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parent.parent
PLACES = ("*.md", "docs/**/*.md", "plugins/*/*.md", "examples/*/*.md", "benchmarks/**/*.md")
INDEX = Path("docs", "README.md")

FENCE = re.compile(r"^\s*(```+|~~~+)\s*(\S*)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
LINK = re.compile(r"!?\[(?:[^\]\\]|\\.)*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?")
CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
MACHINE = re.compile(r"(?<![\w.~-])/(?:root|home/\w+|Users/\w+)/|--(?:extra-)?index-url|--find-links")

Mistake = tuple[int, str]


def main() -> None:
    """Check the folder named on the command line."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else CHECKOUT
    pages = sorted({page for place in PLACES for page in root.glob(place)})
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        found = [
            f"{page.relative_to(root)}:{line}: {mistake}"
            for page, text in texts.items()
            for line, mistake in sorted([*links(page, texts), *examples(page, text), *machine(text)])
        ]
    found += [f"{page}:1: no page that {INDEX} leads to links here" for page in unreachable(root, texts)]
    print("\n".join(found) or f"{len(pages)} pages, no mistakes")
    sys.exit(1 if found else 0)


def links(page: Path, texts: dict[Path, str]) -> Iterator[Mistake]:
    """Yield relative links to files that are not there and to headings that their page does not have."""
    for line, target in targets(texts[page]):
        path, _, anchor = unquote(target).partition("#")
        goal = (page.parent / path).resolve() if path else page
        if path.startswith("/"):
            yield line, f"the link {target} starts at the root of a file system: write it relative to the page"
        elif not goal.exists():
            yield line, f"the link {target} leads nowhere: there is no {path}"
        elif anchor and goal.suffix == ".md":
            known = anchors(texts[goal] if goal in texts else goal.read_text(encoding="utf-8"))
            if anchor not in known:
                yield line, f"the link {target} leads nowhere: {goal.name} has no heading #{anchor}"


def examples(page: Path, text: str) -> Iterator[Mistake]:
    """Yield JSON and TOML blocks that do not parse, and Python prompts that print something else."""
    names: dict[str, object] = {"__name__": "__main__"}
    for line, language, body in blocks(text):
        try:
            if language == "json":
                json.loads(body)
            elif language == "toml":
                tomllib.loads(body)
        except ValueError as error:
            yield line, f"this {language} does not parse: {error}"
        if language in ("python", "pycon") and ">>> " in body:
            yield from prompts(page, line, body, names)


def prompts(page: Path, line: int, body: str, names: dict[str, object]) -> Iterator[Mistake]:
    """Run the prompts of one block, with the names that earlier blocks of the page left."""
    test = doctest.DocTestParser().get_doctest(body, names, page.name, str(page), line)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append, clear_globs=False)
    names.update(test.globs)
    if said:
        yield line, "this example prints something else\n" + "".join(said)


def machine(text: str) -> Iterator[Mistake]:
    """Yield lines with a path of somebody's machine or the address of a package index."""
    for number, line in enumerate(text.splitlines(), 1):
        named = MACHINE.search(line)
        if named or str(CHECKOUT) + "/" in line:
            yield number, f"names a path or an address of one machine: {named[0] if named else CHECKOUT}"


def unreachable(root: Path, texts: dict[Path, str]) -> list[Path]:
    """Return the pages of docs/ that nobody finds who starts at its index."""
    start = root / INDEX
    seen, open_pages = {start}, [start]
    while open_pages:
        page = open_pages.pop()
        for _, target in targets(texts.get(page, "")):
            goal = (page.parent / unquote(target).partition("#")[0]).resolve()
            if goal in texts and goal not in seen:
                seen.add(goal)
                open_pages.append(goal)
    return [page.relative_to(root) for page in texts if root / "docs" in page.parents and page not in seen]


def blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield fenced blocks: line of the fence, language, content."""
    closing, language, start, body = "", "", 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if closing and line.strip() == closing:
            yield start, language, textwrap.dedent(body)
            closing = ""
        elif closing:
            body += f"{line}\n"
        elif fence:
            closing, language, start, body = fence[1], fence[2], number, ""


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines outside fenced blocks."""
    fenced = {n for start, _, body in blocks(text) for n in range(start, start + body.count("\n") + 2)}
    yield from ((number, line) for number, line in enumerate(text.splitlines(), 1) if number not in fenced)


def targets(text: str) -> Iterator[tuple[int, str]]:
    """Yield the relative link targets of a page, with their line."""
    for number, line in prose(text):
        shown = CODE_SPAN.sub("", line)
        found = [match[1] for match in (*LINK.finditer(shown), *REFERENCE.finditer(shown))]
        yield from ((number, target) for target in found if not re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE))


def anchors(text: str) -> set[str]:
    """Return the anchors that a page offers: one for each heading, by the rule of the usual forges."""
    found: set[str] = set()
    for _, line in prose(text):
        if heading := HEADING.match(line):
            plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            repeats = sum(1 for known in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", known))
            found.add(f"{slug}-{repeats}" if repeats else slug)
    return found


if __name__ == "__main__":
    main()
