"""The pages, as HTML: everything that somebody else wrote is escaped in one place."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from universal_calendar.services.connections.connecting_in_browser import (
    Question,
    Setup,
)
from universal_calendar.services.ports.connecting import CredentialField

_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;"
    "padding:0 1rem}label{display:block;margin-top:1rem}input{width:100%;"
    "box-sizing:border-box;font:inherit;padding:.4rem}button{font:inherit;"
    "margin:1.5rem .5rem 0 0;padding:.5rem 1.2rem}small,dt{color:#555}"
    "dd{margin:0 0 .5rem;font-weight:600;overflow-wrap:anywhere}"
)
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
LANGUAGE: Final = "en"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(template: str, *values: object) -> Markup:
    """Fill a template of our own; every value but Markup is escaped."""
    safe = (
        each if isinstance(each, Markup) else escape(str(each), quote=True)
        for each in values
    )
    return Markup(template.format(*safe))


def joined(parts: Iterable[Markup]) -> Markup:
    """Write one after the other."""
    return Markup("".join(parts))


@dataclass(frozen=True, slots=True)
class Pages:
    """Writes pages; `return_url` is where browsers go in the end, None: nowhere."""

    return_url: str | None

    def page(self, title: str, body: Markup, status: int = 200) -> Response:
        """Write a page that may load nothing and run nothing."""
        text = html(
            "<!doctype html><html lang={}><meta charset=utf-8>"
            '<meta name=viewport content="width=device-width">'
            "<title>{}</title><style>{}</style><h1>{}</h1>{}</html>",
            LANGUAGE,
            title,
            Markup(_STYLE),
            title,
            body,
        )
        headers = {
            "Content-Security-Policy": self._policy(),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        }
        return Response(text, status, headers, media_type="text/html")

    def _policy(self) -> str:
        # A browser follows a form's redirect only to where forms may lead.
        aims = "'self'"
        if self.return_url is not None:
            parts = urlsplit(self.return_url)
            aims += f" {parts.scheme}://{parts.netloc}"
        return (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
            f" form-action {aims}; base-uri 'none'; frame-ancestors 'none'"
        )

    def question(self, question: Question, action: str) -> Response:
        """Ask whether the account is to be connected to the business."""
        body = html(
            "<p>Is this account to be connected?</p><dl><dt>Account<dd>{}<dt>Provider"
            "<dd>{}<dt>Business<dd>{}</dl><p>{} will read when you are busy there, and"
            " write its appointments. Press Cancel if you were sent here by a link that"
            " you did not expect.</p><form method=post action={}><input type=hidden"
            ' name=token value="{}"><button name=answer value=connect>Connect</button>'
            "<button name=answer value=cancel>Cancel</button></form>",
            question.account,
            question.provider.name,
            question.business,
            question.business,
            action,
            question.token,
        )
        return self.page("Connect a calendar", body)

    def setup(self, setup: Setup, state: str, problem: str | None = None) -> Response:
        """Ask for the credentials of an account."""
        fields = (
            each for each in setup.provider.credentials if each.name not in setup.given
        )
        said = Markup()
        if problem is not None:
            said = html("<p role=alert><strong>{}</strong></p>", problem)
        body = html(
            "{}<p>These open your calendars at {} for {}. What you enter is stored"
            " encrypted.</p><form method=post action=setup autocomplete=off><input"
            ' type=hidden name=state value="{}">{}<button>Go on</button></form>',
            said,
            setup.provider.name,
            setup.business,
            state,
            joined(map(_field, fields)),
        )
        title = f"Connect {setup.provider.name}"
        return self.page(title, body, 400 if problem else 200)

    def told(self, title: str, text: str, status: int = 200) -> Response:
        """Tell something, and the way back."""
        body = html("<p>{}</p>", text)
        if self.return_url is not None:
            back = html('<p><a href="{}">Back</a></p>', self.return_url)
            body = joined((body, back))
        return self.page(title, body, status)


def _field(field: CredentialField) -> Markup:
    kind = "password" if field.is_secret else "text"
    required = Markup("" if field.is_optional else " required")
    hint = html("<small>{}</small>", field.hint) if field.hint else Markup()
    return html(
        '<label>{} <input name="{}" type={} autocomplete=off spellcheck=false{}>{}'
        "</label>",
        field.label,
        f"credential.{field.name}",
        kind,
        required,
        hint,
    )
