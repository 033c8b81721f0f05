"""What a template shows is escaped, and nothing is left out without a word."""

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from markupsafe import Markup

from rerank_course.texts.templates import template


def shout(text):
    return text.upper()


@pytest.fixture
def page(tmp_path):
    (tmp_path / "part.css").write_text("a {}", encoding="utf-8")
    file = tmp_path / "page.html"
    file.write_text('{% include "part.css" %}|{{ name }}|{{ name | shout }}|{{ made }}\n', encoding="utf-8")
    return template(file, shout)


def test_texts_are_escaped_and_markup_is_not(page):
    shown = page.render(name="<é>", made=Markup("<b>"))
    assert shown == "a {}|&lt;é&gt;|&lt;É&gt;|<b>"


def test_a_name_that_is_not_given_is_an_error(page):
    with pytest.raises(UndefinedError, match="made"):
        page.render(name="x")


def test_a_template_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(TemplateNotFound, match=r"none\.html"):
        template(tmp_path / "none.html")
