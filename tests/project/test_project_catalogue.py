"""The message catalogues are complete, and the check that says so notices what it should."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from crmcore.i18n import gettext, languages, speaking

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / ".ci" / "catalogue.py"
CODE = """
from crmcore.i18n import gettext as _, ngettext

def greet(name, n):
    return _("Hello {name}").format(name=name) + ngettext("{n} row", "{n} rows", n).format(n=n)
"""
COMPLETE = """
msgid ""
msgstr ""
"Language: zh_CN\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "Hello {name}"
msgstr "{name}，您好"

msgid "{n} row"
msgid_plural "{n} rows"
msgstr[0] "{n} 行"
"""


def catalogue(what: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), what, *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package whose code has two messages and whose Chinese catalogue has both, compiled."""
    root = tmp_path / "greeting"
    (root / "locale" / "zh_CN" / "LC_MESSAGES").mkdir(parents=True)
    (root / "code.py").write_text(CODE)
    po_of(root).write_text(COMPLETE, encoding="utf-8")
    updated = catalogue("update", "--package", str(root))
    assert updated.returncode == 0, updated.stdout + updated.stderr
    return root


def po_of(package: Path) -> Path:
    return package / "locale" / "zh_CN" / "LC_MESSAGES" / "crmcore.po"


def check(package: Path) -> list[str]:
    return catalogue("check", "--package", str(package)).stdout.splitlines()


def edit(package: Path, old: str, new: str) -> None:
    text = po_of(package).read_text(encoding="utf-8")
    assert old in text
    po_of(package).write_text(text.replace(old, new), encoding="utf-8")


def test_every_message_of_the_core_is_translated() -> None:
    checked = catalogue("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_programs_speak_the_translation() -> None:
    message = "Read it again, repeat your change and save."
    assert "zh-CN" in languages()
    with speaking("zh-CN"):
        assert gettext(message) == "请重新读取，再次修改后保存。"


def test_a_complete_catalogue_has_no_mistakes(package: Path) -> None:
    assert check(package) == ["complete, 2 messages: zh_CN"]


def test_updating_twice_changes_nothing(package: Path) -> None:
    files = sorted(po_of(package).parent.iterdir())
    before = [file.read_bytes() for file in files]
    catalogue("update", "--package", str(package))
    assert [file.read_bytes() for file in files] == before


def test_a_new_message_is_missing_until_it_is_updated_and_translated(package: Path) -> None:
    (package / "code.py").write_text(CODE + '\nBYE = _("Bye")\n')
    assert check(package) == ["zh_CN: missing: 'Bye'"]
    assert catalogue("update", "--package", str(package)).stdout == "zh_CN: not translated: 'Bye'\n"
    edit(package, 'msgid "Bye"\nmsgstr ""', 'msgid "Bye"\nmsgstr "再见"')
    assert check(package) == ["zh_CN: crmcore.mo was not made from crmcore.po: run make translate"]
    assert catalogue("update", "--package", str(package)).returncode == 0
    assert check(package) == ["complete, 3 messages: zh_CN"]


def test_a_message_that_left_the_code_leaves_the_catalogue(package: Path) -> None:
    (package / "code.py").write_text('_("Hello {name}")\n')
    assert check(package) == ["zh_CN: no longer in the code: '{n} row'"]
    catalogue("update", "--package", str(package))
    assert "row" not in po_of(package).read_text(encoding="utf-8")
    assert check(package) == ["complete, 1 messages: zh_CN"]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('msgstr "{name}，您好"', 'msgstr ""', "not translated: 'Hello {name}'"),
        ('msgstr "{name}，您好"', 'msgstr "{nmae}，您好"', "placeholders differ: 'Hello {name}'"),
        ('msgstr "{name}，您好"', 'msgstr "{name，您好"', "placeholders differ: 'Hello {name}'"),
        ('msgstr[0] "{n} 行"', 'msgstr[0] "几行"', "placeholders differ: '{n} row'"),
        ('msgid "Hello', '#, fuzzy\nmsgid "Hello', "marked as fuzzy: to be looked at: 'Hello {name}'"),
        ('msgid "Hello', '#~ msgid "Old"\n#~ msgstr "旧"\n\nmsgid "Hello', "kept as a comment: 'Old'"),
    ],
    ids=["empty", "misspelled-placeholder", "open-brace", "lost-placeholder", "fuzzy", "obsolete"],
)
def test_a_bad_translation_is_named(package: Path, old: str, new: str, mistake: str) -> None:
    edit(package, old, new)
    assert any(line.startswith("zh_CN: ") and line.endswith(mistake) for line in check(package)), check(package)


@pytest.mark.parametrize("call", ['_(f"Hello {name}")', "_(name)", 'ngettext("{n} row", name, 2)', "gettext(a + b)"])
def test_a_message_that_is_only_known_when_it_runs_is_refused(package: Path, call: str) -> None:
    (package / "code.py").write_text(f"{CODE}\n\ndef f(name, a, b):\n    return {call}\n")
    function = call.partition("(")[0]
    assert check(package) == [f"greeting/code.py:9: {function}() needs a message written out, and .format() after it"]


def test_a_package_without_catalogues_is_refused(tmp_path: Path) -> None:
    checked = catalogue("check", "--package", str(tmp_path))
    assert checked.returncode == 1
    assert checked.stdout.startswith("there is no catalogue in ")


def test_no_message_stands_inside_an_f_string_where_it_is_not_collected() -> None:
    packages = [CHECKOUT / "crmcore", *(CHECKOUT / "plugins").iterdir()]
    hidden = [
        f"{path.relative_to(CHECKOUT)}:{call.lineno}"
        for package in packages
        for path in package.rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("_", "gettext", "ngettext")
    ]
    assert hidden == []
