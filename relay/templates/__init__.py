"""The owner's own words with values put into them: Jinja2, cut down to what cannot escape, burn or leave a hole.

A field says how values are escaped (`Escaping`); the owner's literal text never is. A value that is missing or null
raises `Blank`, unless the template names a default or asks first.
"""

from relay.templates.escaping import HEADER, HTML, PLAIN, URL_PART, Escaping, Safe
from relay.templates.filters import FILTERS, register_filter
from relay.templates.paths import Names, PathTemplate
from relay.templates.shape import Shape
from relay.templates.template import Template, compile_template

__all__ = [
    "FILTERS",
    "HEADER",
    "HTML",
    "PLAIN",
    "URL_PART",
    "Escaping",
    "Names",
    "PathTemplate",
    "Safe",
    "Shape",
    "Template",
    "compile_template",
    "register_filter",
]
