"""Files for the readers, and what comes out of them."""

from __future__ import annotations

import pytest

from crmcore.types import Problem, SourceHeader
from crmcore_tabular.csv_reading import read_csv


@pytest.fixture
def csv_file(tmp_path):
    """Give a function that writes a file and reads it: header, then rows and problems."""

    def read(content, name="file.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        header, *rows = read_csv(path, options)
        assert isinstance(header, SourceHeader), header
        return header, rows

    return read


@pytest.fixture
def csv_rows(csv_file):
    """Give a function that returns the rows and problems of a file."""
    return lambda *arguments, **options: csv_file(*arguments, **options)[1]


@pytest.fixture
def csv_refusal(tmp_path):
    """Give a function that returns the problem for which a file cannot be read at all."""

    def read(content, name="file.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (problem,) = read_csv(path, options)
        assert isinstance(problem, Problem)
        return problem

    return read
