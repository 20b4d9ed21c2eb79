"""The how-to for Django, followed: its tests pass in a project that has its files, on both databases."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from embedding_pages import save
from sqlalchemy import make_url

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("django")

SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "test"
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {database!r}}}
LOGGING = {{"version": 1, "root": {{"level": "CRITICAL"}}}}
USE_TZ = {use_tz}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for package in ("shop", "billing", "billing/management", "billing/management/commands"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def run_its_tests(project: Path, database: dict[str, Any], *, use_tz: bool) -> None:
    (project / "shop" / "settings.py").write_text(SETTINGS.format(database=database, use_tz=use_tz))
    save("embed-in-django.md", project)
    command = [sys.executable, "-W", "error", "-m", "django", "test", "--settings=shop.settings", "--pythonpath=."]
    ran = subprocess.run(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False
    )
    assert ran.returncode == 0, ran.stdout
    assert "Ran 7 tests" in ran.stdout


def test_the_projects_tests_pass_on_sqlite(project: Path) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(project / "db.sqlite3")}
    run_its_tests(project, database, use_tz=False)


def test_the_projects_tests_pass_on_postgresql(project: Path, postgres_url: str) -> None:
    url = make_url(postgres_url)
    database: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database or "",
        "USER": url.username or "",
        "HOST": str(url.query["host"]),
        "ATOMIC_REQUESTS": True,
    }
    run_its_tests(project, database, use_tz=True)
