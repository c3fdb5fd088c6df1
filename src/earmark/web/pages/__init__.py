"""The pages: each is a module with a function that draws it."""

from earmark.web.pages.book import add

__all__ = ["add"]
