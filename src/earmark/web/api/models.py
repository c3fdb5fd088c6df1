"""The models that are there, and their cards."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse

from earmark.app.models import cards

router = APIRouter(prefix="/models", tags=["models"])


@router.get("")
def models() -> list[dict[str, Any]]:
    """The models, each with its styles and what was measured."""
    return [{name: value for name, value in vars(card).items() if name != "text"} for card in cards()]


@router.get("/{name}/card", response_class=PlainTextResponse, responses={404: {}})
def card(name: str) -> str:
    """The card of a model, Markdown."""
    for each in cards():
        if each.name == name:
            return each.text
    raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such model")
