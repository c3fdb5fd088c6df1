"""The REST API under /api: the same JSON as the command line, described by OpenAPI at /api/docs."""

from earmark.web.api.application import application

__all__ = ["application"]
