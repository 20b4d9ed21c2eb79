"""Message catalogues: `update` brings them up to date with the code and compiles them, `check` lists what is wrong.

A catalogue is ``crmcore/locale/<language>/LC_MESSAGES/crmcore.po`` with the ``crmcore.mo`` made from it beside it,
both committed: programs read the second, and neither a wheel nor a checkout needs a build step to have it. There
are no dates and no line numbers in them, so they change only when a message does. A new language starts as an
empty folder.
"""

from __future__ import annotations

import argparse
import ast
import gettext
import io
import json
import string
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

if TYPE_CHECKING:
    from collections.abc import Iterator

    from babel.messages.catalog import Message

CHECKOUT = Path(__file__).resolve().parent.parent
COMMENT = "# Made by `make translate`, which fills in the messages; the translations are written here by hand."
CALLS = {"_": None, "gettext": None, "ngettext": (1, 2)}


class Undated(Catalog):
    """A catalogue whose header says what programs need to know, and not when and by whom it was made."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The header, the same each time."""
        return [
            ("Project-Id-Version", "crmcore"),
            ("Language", str(self.locale_identifier)),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", self.plural_forms),
        ]


def main() -> None:
    """Update or check every catalogue of the core."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["update", "check"])
    parser.add_argument("--package", type=Path, default=CHECKOUT / "crmcore", help="the package whose messages count")
    chosen = parser.parse_args()
    found = list(computed(chosen.package))
    in_code = extracted(chosen.package)
    folders = sorted(path for path in (chosen.package / "locale").glob("*/LC_MESSAGES") if path.is_dir())
    for folder in folders:
        if chosen.what == "update":
            update(folder, in_code)
        found += [f"{folder.parent.name}: {mistake}" for mistake in mistakes(folder, in_code)]
    if not folders:
        found.append(f"there is no catalogue in {chosen.package / 'locale'}")
    names = ", ".join(folder.parent.name for folder in folders)
    print("\n".join(found) or f"complete, {len(in_code)} messages: {names}")
    sys.exit(1 if found else 0)


def extracted(package: Path) -> Catalog:
    """Return the messages of the core, of the plugins beside it and of the meta-schemas, in their order."""
    catalogue = Catalog()
    for folder in (package, package.parent / "plugins"):
        files = extract_from_dir(folder, [("**.py", "python")], keywords=CALLS, comment_tags=["Translators:"])
        for file, line, message, comments, context in sorted(files, key=lambda one: one[:2]):
            place = (f"{folder.name}/{Path(file).as_posix()}", line)
            catalogue.add(message, locations=[place], auto_comments=comments, context=context)
    for path in sorted((package.parent / "schemas" / "meta").glob("*.json")):
        for words in expectations(json.loads(path.read_text(encoding="utf-8"))):
            catalogue.add(words, locations=[(f"schemas/meta/{path.name}", 1)])
    return catalogue


def expectations(schema: object) -> Iterator[str]:
    """Yield the words in which a meta-schema says what it expects."""
    if isinstance(schema, dict) and isinstance(schema.get("x-expected"), str):
        yield schema["x-expected"]
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for below in inner:
        yield from expectations(below)


def computed(package: Path) -> Iterator[str]:
    """Yield calls whose message is not written out: nobody can translate what is only known when it runs."""
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                said = node.args[: 2 if node.func.id == "ngettext" else 1]
                if not all(isinstance(one, ast.Constant) for one in said):
                    where = f"{package.name}/{file.relative_to(package).as_posix()}:{node.lineno}"
                    yield f"{where}: {node.func.id}() needs a message written out, and .format() after it"


def update(folder: Path, in_code: Catalog) -> None:
    """Write the catalogue anew: the messages of the code with the translations that they have, then compile it."""
    before, after = stored(folder), Undated(folder.parent.name, header_comment=COMMENT, fuzzy=False)
    for message in in_code:
        known = before.get(message.id) if message.id else None
        if message.id:
            after.add(
                message.id,
                known.string if known else None,
                message.locations,
                flags=(known.flags if known else set()) - {"python-format", "python-brace-format"},
                auto_comments=message.auto_comments,
                user_comments=known.user_comments if known else (),
            )
    written = io.BytesIO()
    write_po(written, after, width=0, include_lineno=False)
    (folder / "crmcore.po").write_bytes(written.getvalue())
    (folder / "crmcore.mo").write_bytes(compiled(after))


def stored(folder: Path) -> Catalog:
    """Read the catalogue of one language; empty where none was made yet."""
    path = folder / "crmcore.po"
    with io.BytesIO(path.read_bytes() if path.exists() else b"") as text:
        return read_po(text, locale=folder.parent.name)


def compiled(catalogue: Catalog) -> bytes:
    """Return the catalogue in the form that programs read."""
    made = io.BytesIO()
    write_mo(made, catalogue)
    return made.getvalue()


def mistakes(folder: Path, in_code: Catalog) -> Iterator[str]:
    """Yield what keeps one language from being complete."""
    catalogue = stored(folder)
    wanted, there = ({message.id for message in one if message.id} for one in (in_code, catalogue))
    yield from (f"missing: {first(one)!r}" for one in sorted(wanted - there, key=first))
    yield from (f"no longer in the code: {first(one)!r}" for one in sorted(there - wanted, key=first))
    yield from (f"no longer in the code, kept as a comment: {first(one)!r}" for one in catalogue.obsolete)
    for message in catalogue:
        if message.id and (mistake := mistaken(message)):
            yield f"{mistake}: {first(message.id)!r}"
    if not is_current(folder, catalogue):
        yield "crmcore.mo was not made from crmcore.po: run make translate"


def mistaken(message: Message) -> str | None:
    """Return what is wrong with one translation, or None."""
    originals = message.id if isinstance(message.id, tuple) else (message.id,)
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(forms):
        return "not translated"
    if message.fuzzy:
        return "marked as fuzzy: to be looked at"
    if any(placeholders(form) != placeholders(originals[-1]) for form in forms):
        return "placeholders differ"
    return None


def placeholders(text: str) -> set[str] | None:
    """Return the names in braces; None where the braces do not pair."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return None


def is_current(folder: Path, catalogue: Catalog) -> bool:
    """Whether the compiled file says what the catalogue says, whatever version of the compiler wrote it."""
    path = folder / "crmcore.mo"
    if not path.exists():
        return False
    with path.open("rb") as there, io.BytesIO(compiled(catalogue)) as made:
        old, new = gettext.GNUTranslations(there), gettext.GNUTranslations(made)
    return all(
        old.ngettext(*message.id, n) == new.ngettext(*message.id, n)
        if isinstance(message.id, tuple)
        else old.gettext(message.id) == new.gettext(message.id)
        for message in catalogue
        if message.id
        for n in (1, 2, 5)
    )


def first(message_id: str | tuple[str, ...]) -> str:
    """Return the message, its singular where it has two forms."""
    return message_id[0] if isinstance(message_id, tuple) else message_id


if __name__ == "__main__":
    main()
