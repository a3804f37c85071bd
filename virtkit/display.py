"""How a value shows itself: it names what can be shown, and the display room knows how.

A value derives from Displayable (HTML) or Drawable (HTML, a picture and text) and imports no renderer. The functions
``html``, ``svg``, ``text`` and ``page`` choose a renderer by the value's class; the modules of ``virtkit.notebook``
register theirs with them. They are loaded the first time that anything is shown.

``_RENDERERS`` is the only module that this package imports by its name as a string. It is named so that showing a
value needs only ``import virtkit``; the import graph (``python -m benchmarks.imports``) does not count it. Nothing
else may use it: a renderer gets a value and returns text, and no answer depends on it.
"""

from __future__ import annotations

from functools import singledispatch
from importlib import import_module

__all__ = ["Displayable", "Drawable", "html", "page", "svg", "text"]

_RENDERERS = "virtkit.notebook.renderers"


@singledispatch
def html(value: object) -> str:
    """``value`` as a fragment of HTML for a notebook. Raises TypeError for a class without a renderer."""
    _load_renderers(html, value)
    return html(value)


@singledispatch
def svg(value: object) -> str:
    """``value`` as an SVG picture. Raises TypeError for a class without a renderer."""
    _load_renderers(svg, value)
    return svg(value)


@singledispatch
def text(value: object) -> str:
    """``value`` as lines of text. Raises TypeError for a class without a renderer."""
    _load_renderers(text, value)
    return text(value)


@singledispatch
def page(value: object, title: str) -> str:
    """``value`` as a whole HTML page. Raises TypeError for a class without a renderer."""
    _load_renderers(page, value)
    return page(value, title)


def _load_renderers(show: object, value: object) -> None:
    """Load the renderers of ``value``; TypeError where there is none for ``show`` even then."""
    import_module(_RENDERERS).load(type(value))
    default = show.dispatch(object)  # type: ignore[attr-defined]
    if show.dispatch(type(value)) is default:  # type: ignore[attr-defined]
        raise TypeError(f"no renderer shows {type(value).__name__} as {default.__name__}")


class Displayable:
    """A value that a notebook shows as HTML when it is the last line of a cell."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return html(self)


class Drawable(Displayable):
    """A value that also has a picture, and is printed as lines of text."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return svg(self)

    def __str__(self) -> str:
        return text(self)
