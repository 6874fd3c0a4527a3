"""Sphinx settings of the documentation.

    sphinx-build -W --keep-going -b html docs docs/_build/html

runs the gallery's examples as well (some minutes); ``-D plot_gallery=0`` shows their code alone. Nothing is downloaded.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_extensions")]

import skmtl

project = "skmtl"
author = "the skmtl developers"
copyright = author
release = version = skmtl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "api_members",
    "result_pages",
]
exclude_patterns = [
    "_build",
    "auto_examples/*.ipynb",
    "auto_examples/*.py",
    "auto_examples/*.md5",
    "sg_execution_times.rst",
]
templates_path = ["_templates"]
default_role = "py:obj"  # `name` in a docstring is a link where there is something to link to

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say it, with shapes
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # the class template lists them
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": r"(^|/)(?!plot_)[^/]*\.py$",  # the others are scripts with a command line
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "min_reported_time": 10_000,
    "download_all_examples": False,
    "reset_modules": ("matplotlib",),
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skmtl {release}"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_sidebars = {page: [] for page in ("index", "contributing", "changelog")}  # they have no pages below them
html_css_files = ["skmtl.css"]
# The landing page is short, and the tables of results need the room.
WITH_CONTENTS = ("guide/**", "api/**", "auto_examples/**", "contributing", "changelog")
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {page: ["page-toc"] for page in WITH_CONTENTS},
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
