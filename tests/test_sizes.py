"""How long a file and a function may be, how full a folder, and that a class name stands for one thing."""

from __future__ import annotations

import ast
from collections import Counter

from tests.support.source import ROOT, folders, modules, python_files

MOST_MODULES_IN_A_FOLDER = 13
MOST_LINES_IN_A_FILE = 300
MOST_LINES_IN_A_FUNCTION = 50  # with its signature and docstring


def test_no_folder_holds_more_than_about_a_dozen_modules() -> None:
    crowded = {folder.relative_to(ROOT): len(files) for folder, files in folders().items()}
    assert {folder: count for folder, count in crowded.items() if count > MOST_MODULES_IN_A_FOLDER} == {}


def test_no_file_grows_beyond_one_idea() -> None:
    paths = [*(path for files in folders().values() for path in files), *python_files("tests")]
    lines = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in paths}
    assert {path: count for path, count in lines.items() if count > MOST_LINES_IN_A_FILE} == {}


def test_no_function_grows_beyond_one_idea() -> None:
    lengths = {
        f"{name}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_IN_A_FUNCTION} == {}


def test_no_class_name_stands_for_two_things() -> None:
    names = Counter(
        node.name
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name not in {"Meta", "Command"}
    )
    assert {name for name, count in names.items() if count > 1} == set()
