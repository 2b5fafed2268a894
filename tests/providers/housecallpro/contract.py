"""What goes to Housecall Pro and comes back, held against the contract beside us."""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import ImmutableMultiDict

from tests.providers.microsoft.loopback import Answer, Ask

Json = dict[str, Any]

CONTRACT = Path(__file__).with_name("contract.yaml")
_HOST = "https://api.housecallpro.com"
_MOST_CHECKED = 3
"""So many entries of a list are judged: the others were made the same way."""


class Violation(AssertionError):
    """It is not as the contract has it."""


@dataclass(frozen=True)
class Operation:
    template: str
    described: Json

    @property
    def name(self) -> str:
        return str(self.described["operationId"])

    @property
    def schemes(self) -> set[str]:
        """Return the kinds of keys that may do this."""
        return {name for each in self.described["security"] for name in each}


class Contract:
    """Judges requests and answers; raises Violation."""

    def __init__(self, path: Path = CONTRACT) -> None:
        self.document: Json = yaml.safe_load(path.read_text())
        self._judge = OpenAPI.from_dict(self.document)

    def operation(self, method: str, path: str) -> Operation:
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in item:
                return Operation(template, item[method.lower()])
        raise Violation(f"{method} {path} is not in the contract")

    def check_request(self, ask: Ask) -> Operation:
        operation = self.operation(ask.method, ask.path)
        given = {name for name, _ in parse_qsl(urlsplit(ask.target).query)}
        known = {each["name"] for each in operation.described.get("parameters", ())}
        if given - known:
            raise Violation(f"{operation.name}: no parameter {sorted(given - known)}")
        if bool(ask.content) != ("requestBody" in operation.described):
            raise Violation(f"{operation.name}: a body, or none")
        try:
            self._judge.validate_request(_request(ask))
        except OpenAPIError as error:
            raise _violation(operation, error) from None
        return operation

    def check_answer(self, ask: Ask, answer: Answer) -> None:
        operation = self.operation(ask.method, ask.path)
        if answer.status >= 500:
            return  # nobody promises how it fails
        content = _shortened(answer.content)
        response = MockResponse(content, answer.status, dict(answer.headers))
        try:
            self._judge.validate_response(_request(ask), response)
        except OpenAPIError as error:
            raise _violation(operation, error) from None

    def schema(self, name: str) -> Json:
        return dict(self.document["components"]["schemas"][name])


def _violation(operation: Operation, error: OpenAPIError) -> Violation:
    causes = [str(each) for each in getattr(error.__cause__, "schema_errors", ())]
    return Violation(f"{operation.name}: {error!r} {error.__cause__!r} {causes}")


def _request(ask: Ask) -> MockRequest:
    query = parse_qsl(urlsplit(ask.target).query, keep_blank_values=True)
    request = MockRequest(
        _HOST,
        ask.method.lower(),
        ask.path,
        headers=dict(ask.headers),
        data=ask.content or None,
        content_type=ask.headers.get("content-type", ""),
    )
    request.parameters.query = ImmutableMultiDict(query)
    return request


def _shortened(content: bytes) -> bytes:
    if not content:
        return content
    body = json.loads(content)
    for name, value in body.items():
        if isinstance(value, list):
            body[name] = value[:_MOST_CHECKED]
    return json.dumps(body).encode()


@lru_cache(maxsize=1)
def read_contract() -> Contract:
    """Return the contract, read once."""
    return Contract()
