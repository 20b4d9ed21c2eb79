from __future__ import annotations

import json
import sys
import zipfile
from types import SimpleNamespace

import pytest

from crmcore.config import Config
from crmcore.errors import ManifestError
from crmcore.plugins.discovery import Found, discover, installed, manifest_at
from crmcore.types import Plugin

MANIFEST = {"name": "hello", "version": "1.0", "summary": "Greets."}


def distribution(folder, name, entry_points, version="1.0"):
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    return place / "entry_points.txt"


def package(folder, name, manifest=MANIFEST, init="raise RuntimeError('imported')"):
    place = folder / name
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(init, encoding="utf-8")
    if manifest is not None:
        (place / "plugin.json").write_text(json.dumps(manifest), encoding="utf-8")
    return place


def names(found):
    return [(plugin.name, plugin.package) for plugin in found]


def test_entry_points_of_the_group_are_found_with_their_distribution(tmp_path):
    distribution(tmp_path, "acme_hello", "[console_scripts]\nx = y:z\n[crmcore.plugins]\nhello = acme_hello\n", "2.1")

    found, problems = installed([str(tmp_path)])

    assert names(found) == [("hello", "acme_hello")]
    assert found[0].origin == "distribution acme_hello 2.1"
    assert problems == []


MALFORMED = {
    "no section": "hello = acme\n",
    "no value": "[console_scripts]\nx\n",
    "twice": "[crmcore.plugins]\na = b\na = c\n",
    "no module": "[crmcore.plugins]\nhello = not a module!\n",
    "interpolation": "[crmcore.plugins]\nhello = a%(x)s\n",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_elsewhere_is_reported_and_hides_no_other_plugin(tmp_path, text):
    file = distribution(tmp_path / "bad", "broken", text)
    distribution(tmp_path / "bad", "neighbour", "[crmcore.plugins]\nneighbour = n\n")
    distribution(tmp_path / "good", "acme", "[crmcore.plugins]\nhello = acme\n")

    found, problems = installed([str(tmp_path / "bad"), str(tmp_path / "good"), str(tmp_path / "nowhere")])

    assert sorted(names(found)) == [("hello", "acme"), ("neighbour", "n")]
    assert [(problem.file, problem.code) for problem in problems] == [(file, "entry_points")]


def test_a_file_in_another_encoding_is_reported_and_hides_no_other_plugin(tmp_path):
    file = distribution(tmp_path, "broken", "")
    file.write_bytes("[x]\nä = b\n[crmcore.plugins]\nname = b\xff\n".encode("latin-1"))
    distribution(tmp_path, "acme", "[crmcore.plugins]\nhello = acme\n")

    found, problems = installed([str(tmp_path)])

    assert ("hello", "acme") in names(found)
    assert [problem.file for problem in problems] == [file]


def test_a_distribution_hides_one_of_its_name_further_down_the_path_also_beside_a_malformed_file(tmp_path):
    distribution(tmp_path / "first", "acme", "[crmcore.plugins]\nhello = new\n", "2.0")
    distribution(tmp_path / "second", "acme", "[crmcore.plugins]\nhello = old\n")
    path = [str(tmp_path / "first"), str(tmp_path / "second")]
    assert names(installed(path)[0]) == [("hello", "new")]

    distribution(tmp_path / "second", "broken", "x\n")

    assert names(installed(path)[0]) == [("hello", "new")]


def test_a_zip_is_read_beside_a_malformed_file(tmp_path):
    distribution(tmp_path, "broken", "x\n")
    with zipfile.ZipFile(tmp_path / "plugins.zip", "w") as archive:
        archive.writestr("acme-1.0.dist-info/entry_points.txt", "[crmcore.plugins]\nhello = acme\n")

    found, [problem] = installed([str(tmp_path / "plugins.zip"), str(tmp_path)])

    assert names(found) == [("hello", "acme")]
    assert problem.file.name == "entry_points.txt"


def test_one_package_seen_through_two_distributions_is_one_plugin(tmp_path):
    distribution(tmp_path / "a", "acme", "[crmcore.plugins]\nhello = acme\n")
    distribution(tmp_path / "b", "acme_dev", "[crmcore.plugins]\nhello = acme\n")

    assert names(installed([str(tmp_path / "a"), str(tmp_path / "b")])[0]) == [("hello", "acme")]


def test_folders_and_objects_are_found_beside_entry_points(tmp_path, monkeypatch):
    distribution(tmp_path / "site", "acme", "[crmcore.plugins]\nhello = acme\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    package(tmp_path / "mine", "crmcore_local", {**MANIFEST, "name": "local"})
    given = Plugin(manifest={**MANIFEST, "name": "object"}, module=object())

    found, _ = discover(Config(plugin_dirs=[tmp_path / "mine"]), [given])

    by_name = {plugin.name: plugin for plugin in found}
    assert by_name["hello"].package == "acme"
    assert by_name["local"].folder == tmp_path / "mine" / "crmcore_local"
    assert by_name["object"].given is given


def test_a_folder_whose_manifest_cannot_be_read_goes_by_its_own_name(tmp_path):
    broken = package(tmp_path, "hello", None)
    (broken / "plugin.json").write_text("{", encoding="utf-8")
    package(tmp_path, "listed", ["no", "object"])

    found, _ = discover(Config(plugin_dirs=[tmp_path]))

    assert {"hello", "listed"} <= {plugin.name for plugin in found}


def test_a_package_without_a_manifest_in_a_plugin_folder_is_noticed_and_other_folders_are_not(tmp_path):
    lost = package(tmp_path, "lost", None)
    (tmp_path / "notes").mkdir()

    _, problems = discover(Config(plugin_dirs=[tmp_path]))

    assert [problem.file for problem in problems if problem.code == "no_manifest"] == [lost]


def test_the_manifest_of_an_installed_package_is_read_without_importing_it(tmp_path, monkeypatch):
    package(tmp_path, "acme_unimported")
    monkeypatch.syspath_prepend(tmp_path)

    manifest = manifest_at(Found(name="hello", origin="here", package="acme_unimported"))

    assert manifest.summary == "Greets."
    assert "acme_unimported" not in sys.modules


@pytest.mark.parametrize("named", ["acme_missing", "acme_plain", "acme_bare", "acme.inner", "acme:plugin"])
def test_an_entry_point_that_names_no_package_with_a_manifest_is_refused(tmp_path, monkeypatch, named):
    (tmp_path / "acme_plain.py").write_text("", encoding="utf-8")
    package(tmp_path, "acme_bare", None)
    package(tmp_path, "acme")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ManifestError) as caught:
        manifest_at(Found(name="hello", origin="distribution acme 1.0", package=named))

    [problem] = caught.value.problems
    assert (problem.plugin, problem.code) == ("hello", "no_package")
    assert named in problem.message
    assert "acme" not in sys.modules


def test_a_package_that_is_half_there_is_not_found(monkeypatch):
    monkeypatch.setitem(sys.modules, "acme_half", SimpleNamespace(__spec__=None))

    with pytest.raises(ManifestError, match="there is no package `acme_half`"):
        manifest_at(Found(name="hello", origin="distribution acme 1.0", package="acme_half"))


def test_entry_point_and_manifest_must_agree_on_the_name(tmp_path, monkeypatch):
    package(tmp_path, "acme_other", {**MANIFEST, "name": "other"})
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ManifestError, match="calls the plugin `hello`, its manifest `other`"):
        manifest_at(Found(name="hello", origin="here", package="acme_other"))


def test_a_plugin_that_is_installed_from_its_folder_is_one_plugin_and_not_two(tmp_path, monkeypatch):
    package(tmp_path / "mine", "local_twice")
    distribution(tmp_path / "site", "local_twice", "[crmcore.plugins]\nhello = local_twice\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "mine")

    found, _problems = discover(Config(plugin_dirs=[tmp_path / "mine"]))

    assert [one.origin for one in found if one.name == "hello"] == ["distribution local_twice 1.0"]
