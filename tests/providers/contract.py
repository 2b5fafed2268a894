"""The sandbox's contract, held against what really goes to and fro."""

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
from typing_extensions import override

from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse, Sender

Json = dict[str, Any]


def read_contract() -> Json:
    document = files("universal_calendar.providers.fake").joinpath("contract.json")
    return dict(json.loads(document.read_text()))


@dataclass(frozen=True)
class Contract:
    """Judges requests and answers; raises AssertionError or ValidationError."""

    document: Json

    def operation(self, method: str, path: str) -> Json:
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in item:
                return dict(item[method.lower()])
        raise AssertionError(f"{method} {path} is not in the contract")

    def check_request(self, request: OutgoingRequest) -> None:
        url = urlsplit(request.url)
        operation = self.operation(request.method, url.path)
        known = {each["name"]: each for each in operation.get("parameters", ())}
        for name, value in parse_qsl(url.query, strict_parsing=bool(url.query)):
            self._check(known[name]["schema"], value)
        assert ("requestBody" in operation) == bool(request.content)
        if request.content:
            assert request.headers["content-type"] == "application/json"
            self._check(_schema(operation["requestBody"]), json.loads(request.content))
        if "security" not in operation:
            assert request.headers["authorization"].startswith("Bearer ")

    def check_answer(self, request: OutgoingRequest, answer: OutgoingResponse) -> None:
        operation = self.operation(request.method, urlsplit(request.url).path)
        status = 500 if answer.status > 500 else answer.status
        described = operation["responses"][str(status)]
        if "$ref" in described:
            name = described["$ref"].rpartition("/")[2]
            described = self.document["components"]["responses"][name]
        assert ("content" in described) == bool(answer.content)
        if answer.content:
            self._check(_schema(described), json.loads(answer.content))

    def check_notification(self, content: bytes) -> None:
        self._check({"$ref": "#/components/schemas/Notification"}, json.loads(content))

    def _check(self, schema: Json, value: object) -> None:
        whole = {**schema, "components": self.document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(value)


def _schema(described: Json) -> Json:
    return dict(described["content"]["application/json"]["schema"])


class CheckedSender(Sender):
    """Sends for real, and holds the contract against both directions."""

    def __init__(self) -> None:
        super().__init__(is_guarded=False)
        self._contract = Contract(read_contract())
        self.sent: list[str] = []

    @override
    async def send(
        self, request: OutgoingRequest, *, seconds: float
    ) -> OutgoingResponse:
        self._contract.check_request(request)
        self.sent.append(f"{request.method} {urlsplit(request.url).path}")
        answer = await super().send(request, seconds=seconds)
        self._contract.check_answer(request, answer)
        return answer
