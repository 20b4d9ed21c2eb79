"""``crmcore plugins new``: what it writes runs straight from its folder, and says what to do; bad names are refused."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomlkit
from click.testing import CliRunner

from crmcore.cli import main
from crmcore.conditions.parser import parse
from crmcore.errors import ConditionError, ManifestError
from crmcore.kit.kinds import KINDS
from crmcore.kit.naming import Names, named
from crmcore.kit.writing import write_plugin
from crmcore.manifest import manifest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

EXAMPLES = Path(__file__).parents[2] / "examples"
PLUGINS = {kind: f"my_{kind}" for kind in KINDS}
"""Kind -> name of the plugin that the tests generate."""
CARDS = "name: Bluth\ncity: 深圳\n\nname: Cancity\n"


def crmcore(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, ["--as", "ada", *arguments], prog_name="crmcore", catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An instance with a generated plugin of each kind and the examples, all from their folders."""
    folder = tmp_path_factory.mktemp("instance")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        crmcore("init")
        for kind, name in PLUGINS.items():
            crmcore("plugins", "new", f"acme_{name}", "--kind", kind, "--dir", "mine")
            crmcore("plugins", "enable", name, "--dir", f"mine/acme_{name}")
        shutil.copytree(EXAMPLES / "wechat_activity", folder / "mine" / "wechat_activity")
        crmcore("plugins", "enable", "wechat", "--dir", "mine/wechat_activity")
        crmcore("db", "upgrade")
        crmcore("create", "customer", "--set", "name=Acme")
        crmcore("create", "user", "--set", "login=li.lei", "--set", "name=李雷")
        crmcore("create", "contact", "--set", "name=王芳", "--set", "customer=customer:1")
        crmcore("create", "contact", "--set", "name=赵强")
        (folder / "fair.my_importer").write_text(CARDS, encoding="utf-8")
        shutil.copy(EXAMPLES / "wechat_activity" / "tests" / "lilei.wechat", folder)
        yield folder
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("acme_")]:
        del sys.modules[name]


def test_generated_plugins_run_from_their_folders_and_together(instance: Path) -> None:
    listed = {one["name"]: one for one in json.loads(crmcore("plugins", "list", "--json").stdout)}

    assert [listed[name]["problems"] for name in PLUGINS.values()] == [[]] * len(KINDS)
    assert all(listed[name]["enabled"] and "folder" in listed[name]["origin"] for name in PLUGINS.values())
    assert "no problems" in crmcore("check").output


@pytest.mark.parametrize("project", [*(f"acme_{name}" for name in PLUGINS.values()), "wechat_activity"])
def test_the_commands_of_its_readme_run(instance: Path, project: str) -> None:
    readme = (instance / "mine" / project / "README.md").read_text(encoding="utf-8")
    consoles = re.findall(r"^```console\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line) for block in consoles for line in re.split(r"^\$ ", block, flags=re.MULTILINE)]
    typed = [words[1:] for words in commands if words[:1] == ["crmcore"] and words[1] not in ("plugins", "db")]

    assert len(typed) >= 2
    for words in typed:
        rejected = 1 if words[:2] == ["import", "activity"] else 0  # the example has a day that there is not
        crmcore(*words, code=rejected)


def test_records_of_its_entity_that_were_exported_are_known_when_they_come_back(instance: Path) -> None:
    values = ("customer=customer:1", "subject=Yearly service", "starts_on=2026-02-01", "number=2026-7")
    crmcore("create", "my_entity", *(word for value in values for word in ("--set", value)))
    crmcore("export", "my_entity", "agreed.csv", "--where", "number = '2026-7'")

    assert "\n1 unchanged" in crmcore("import", "my_entity", "agreed.csv").output


def test_its_settings_are_shown(instance: Path) -> None:
    said = crmcore("plugins", "info", "my_scoring").output

    assert 'high = "my_scoring.orders >= 3 or my_scoring.revenue >= 50000"' in said


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_fill_in(here: Path, kind: str) -> None:
    crmcore("plugins", "new", "acme_field_visits", "--kind", kind)

    folder = here / "acme_field_visits"
    texts = {path.relative_to(folder): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
    assert {Path("README.md"), Path("pyproject.toml"), Path(".gitignore"), Path("tests/test_acme_field_visits.py")} < {
        *texts
    }
    assert [path for path in texts if "{" in str(path) or path.suffix == ".tmpl"] == []
    left = re.compile(r"\$\{?(package|plugin|title|entity|plural)\b")
    assert [path for path, text in texts.items() if left.search(text)] == []
    manifest = json.loads(texts[Path("acme_field_visits/plugin.json")])
    project = tomlkit.parse(texts[Path("pyproject.toml")]).unwrap()["project"]
    assert project["entry-points"]["crmcore.plugins"] == {manifest["name"]: "acme_field_visits"}
    assert (project["name"], project["description"]) == ("acme-field-visits", manifest["summary"])


def test_it_says_what_to_do_next(here: Path) -> None:
    said = crmcore("plugins", "new", "acme_visits", "--dir", "my plugins").output

    folder = "'my plugins/acme_visits'"
    assert f"\n  cd {folder}\n  pip install pytest\n  python -m pytest\n" in said
    assert f"\n  crmcore plugins enable visits --dir {folder}\n  crmcore db upgrade\n  crmcore check\n" in said
    assert f"\n  pip install -e {folder}\n" in said


def test_a_report_has_no_fields_and_needs_no_upgrade(here: Path) -> None:
    assert "db upgrade" not in crmcore("plugins", "new", "acme_notes", "--kind", "report").output


def test_scoring_is_what_it_starts_as(here: Path) -> None:
    crmcore("plugins", "new", "acme_visits")

    assert "crm_scoring_rules" in (here / "acme_visits" / "acme_visits" / "__init__.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Acme-Visits", "Write acme_visits"),
        ("acme visits", "Write acme_visits"),
        ("visits", "acme_visits"),
        ("1visits", "acme_visits"),
        ("acme_", "acme_"),
        ("acme__visits", "Write acme_visits"),
        ("../acme_visits", "Write acme_visits"),
        ("拜访", "letters from a to z and digits: acme_visits"),
        ("foo_拜访", "foo_visits"),  # the prefix is sound
        ("loyalty", "acme_loyalty"),
        ("acme", "acme_visits"),
        ("acme_3d", "Write acme_my_3d"),
        ("acme_not", "Write acme_my_not"),  # `not.orders > 3` is no condition
        ("acme_true", "Write acme_my_true"),
        ("", "acme_visits"),
        ("crmcore_visits", "acme_visits"),
        ("acme_core", "Write acme_my_core"),
        ("acme_" + "long_" * 6 + "name", "begin with it"),
        ("acme_abc", "choose another"),  # a plugin of that name is installed
        ("lib2to3_visits", None),  # sound, and nothing is in its way
    ],
)
def test_names_that_cannot_be_are_refused_with_one_that_can(here: Path, name: str, hint: str | None) -> None:
    done = crmcore("plugins", "new", "--", name, code=0 if hint is None else 2)

    if hint is not None:
        assert hint in done.output
        assert list(here.iterdir()) == []


def test_a_package_that_can_be_imported_already_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "elsewhere" / "acme_taken").mkdir(parents=True)
    (here / "elsewhere" / "acme_taken" / "__init__.py").touch()
    monkeypatch.syspath_prepend(here / "elsewhere")

    assert "package `acme_taken`" in crmcore("plugins", "new", "acme_taken", code=2).output


def test_a_plugin_of_the_instance_is_not_called_the_same_again(here: Path) -> None:
    crmcore("init")
    crmcore("plugins", "new", "acme_visits")
    crmcore("plugins", "enable", "visits", "--dir", "acme_visits")

    assert "there is a plugin `visits` already" in crmcore("plugins", "new", "other_visits", code=2).output


def test_an_entity_of_the_core_is_not_made_again(here: Path) -> None:
    done = crmcore("plugins", "new", "acme_orders", "--kind", "entity", code=2)

    assert "there is an entity `order` already" in done.output
    assert not (here / "acme_orders").exists()


@pytest.mark.parametrize("taken", ["file", "folder"])
def test_nothing_is_overwritten(here: Path, taken: str) -> None:
    mine = here / "acme_visits"
    if taken == "file":
        mine.write_text("mine")
    else:
        mine.mkdir()

    assert "nothing is overwritten" in crmcore("plugins", "new", "acme_visits", code=2).output
    assert mine.read_text() == "mine" if taken == "file" else list(mine.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(here: Path) -> None:
    (here / "file").touch()

    assert "cannot be written" in crmcore("plugins", "new", "acme_visits", "--dir", "file/below", code=2).output


def test_an_unknown_kind_names_the_known_ones(here: Path) -> None:
    assert "importer" in crmcore("plugins", "new", "acme_visits", "--kind", "import", code=2).output


@pytest.mark.parametrize(
    ("package", "entity", "plural", "title"),
    [
        ("acme_visits", "visit", "visits", "Visit"),
        ("acme_service_contract", "service_contract", "service_contracts", "Service contract"),
        ("acme_warranties", "warranty", "warranties", "Warranty"),
        ("acme_address", "address", "addresses", "Address"),
        ("acme_addresses", "address", "addresses", "Address"),
        ("acme_branches", "branch", "branches", "Branch"),
        ("acme_surveys", "survey", "surveys", "Survey"),
        ("acme_status", "status", "statuses", "Status"),
        ("acme_analysis", "analysis", "analyses", "Analysis"),
        ("acme_s", "s", "ses", "S"),
        ("acme_class_s", "class_s", "class_ses", "Class s"),
    ],
)
def test_an_entity_is_called_after_its_plugin(package: str, entity: str, plural: str, title: str) -> None:
    names = Names(package)

    assert (names.entity, names.plural, names.entity_title) == (entity, plural, title)


@pytest.mark.parametrize("package", ["acme_s", "acme_new", "acme_class", "somebodys_" + "long_" * 5 + "one"])
def test_what_it_writes_is_formatted_whatever_its_name(tmp_path: Path, package: str) -> None:
    for kind in KINDS.values():
        write_plugin(named(package, {}), kind, tmp_path / kind.name)

    ruff = [sys.executable, "-m", "ruff"]
    assert subprocess.run([*ruff, "format", "--check", "."], cwd=tmp_path, check=False).returncode == 0
    assert subprocess.run([*ruff, "check", "."], cwd=tmp_path, check=False).returncode == 0


def test_an_importer_of_any_format_says_nothing_of_cards(tmp_path: Path) -> None:
    folder = write_plugin(named("acme_visits", {}), KINDS["importer"], tmp_path)

    assert [path for path in folder.rglob("*") if path.is_file() and "card" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("word", ["any", "false", "not", "true"])
def test_a_plugin_is_not_called_what_conditions_read_as_a_word(word: str) -> None:
    with pytest.raises(ManifestError, match="which conditions read"):
        manifest_of({"name": word, "version": "1.0", "summary": "Counts."})
    with pytest.raises(ConditionError):
        parse(f"{word}.orders > 3")
