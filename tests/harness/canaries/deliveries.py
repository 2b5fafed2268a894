"""What anybody may send to a platform's webhook, proven or not; all of it canaries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.harness.canaries.companies import Company, Json
from tests.harness.canaries.strings import Canaries
from universal_calendar.web.bodies import LARGEST_BODY

CUSTOMER_ID: Final = "customer id"
"""What a delivery calls a customer who changed: kept until they were asked about."""
_KINDS: Final = ("customer", "job", "estimate.created", "INVOICE_CREATE")
_MALFORMED: Final = (
    '{{"data": "{}',
    '["{}"]',
    '"{}"',
    '{{"data": {{"webHookEvent": "{}"}}, "company_id": 7}}',
    '{{"{}": NaN}}',
    '{{"event": "{}\0"}}',
    '{{"event": "{}\\ud800"}}',
)


@dataclass(frozen=True)
class Delivery:
    """A request to a webhook."""

    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Deliveries:
    """Writes what a company's platform might tell, and what it never would."""

    company: Company
    canaries: Canaries

    @property
    def name(self) -> str:
        """Return the webhook as operations are named."""
        return f"POST /webhooks/{self.company.slug}"

    def good(self) -> Iterator[Delivery]:
        """Return what is proven, and of a form that is known."""
        company = self.company
        for kind in _KINDS:
            yield self._proven(company.delivery(kind, self._id_of(kind), self._told()))
            nobodys = self._word("account")
            yield self._proven(
                company.delivery(kind, self._word("id"), self._told(), nobodys)
            )
        known = company.delivery("customer", company.customer_id, self._told())
        for _ in range(2):
            yield self._proven(known)

    def due(self) -> Iterator[Delivery]:
        """Return what makes platforms be asked: about a schedule, about a customer."""
        for kind in ("job", "customer"):
            item = self._id_of(kind)
            yield self._proven(self.company.delivery(kind, item, self._told()))

    def bad(self) -> Iterator[Delivery]:
        """Return what is not proven, or nothing that could be told."""
        for content in self._contents():
            yield Delivery(content, self._headers())
            yield self._proven(content)
        content = self.company.delivery("customer", self._word("id"), self._told())
        proof = self.company.signed(content)
        yield Delivery(content + b" ", proof)
        for name in proof.keys() - {"content-type"}:
            yield Delivery(content, {**proof, name: self._word(f"header {name}")})
        for method in ("GET", "PUT", "DELETE"):
            yield Delivery(content, self._headers(), self._query(), method)

    def _contents(self) -> Iterator[bytes]:
        for each in _MALFORMED:
            yield each.format(self._word("malformed")).encode()
        yield b'{"a":' * 2000 + self._word("nested").encode()
        yield self._word("binary").encode() + b"\xff\xfe\0"
        yield self._word("large").encode() + b" " * LARGEST_BODY
        for item in ("{}\0", "{}" + "x" * 300, "{} é"):
            told = self._told()
            yield self.company.delivery(
                "customer", item.format(self._word("odd id")), told
            )

    def _proven(self, content: bytes) -> Delivery:
        headers = {**self._headers(), **self.company.signed(content)}
        return Delivery(content, headers, self._query())

    def _id_of(self, kind: str) -> str:
        return self._word(CUSTOMER_ID if kind == "customer" else "id")

    def _told(self) -> Json:
        return {
            "first_name": self._word("first name"),
            "mobile_number": self.canaries.phone(f"{self.name} phone"),
            "email": self.canaries.email(f"{self.name} email"),
            self._word("unknown"): [self._word("unknown")],
        }

    def _headers(self) -> Mapping[str, str]:
        names = ("X-Request-ID", "User-Agent", "Cookie", "X-Whatever", "Referer")
        return {name: self._word(f"header {name}") for name in names}

    def _query(self) -> Mapping[str, str]:
        return {self._word("query"): self._word("query")}

    def _word(self, what: str) -> str:
        return self.canaries.text(f"{self.name} {what}")
