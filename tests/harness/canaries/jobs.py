"""Jobs, customers and technicians of a platform, in calm and in trouble."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import httpx2

from tests.harness.canaries.companies import Company
from tests.harness.canaries.deliveries import Deliveries, Delivery
from tests.harness.canaries.every_request import Json, Wish
from tests.harness.canaries.flood import Flood, Sent
from tests.harness.canaries.stranger import Stranger, answers, stranger
from tests.harness.island import wait_for

PLATFORM: Final = "/integrations/{provider}"
BOOK: Final = f"POST {PLATFORM}/jobs"
_CHANGE: Final = f"PUT {PLATFORM}/jobs/{{jobId}}"
_CUSTOMER: Final = f"POST {PLATFORM}/sync/customers"
_TECHNICIANS: Final = f"GET {PLATFORM}/technicians"
_ASSIGN: Final = f"PUT {PLATFORM}/technicians/{{technicianId}}"
_CANCEL: Final = f"DELETE {PLATFORM}/jobs/{{jobId}}"
_WRONG: Final = ((BOOK, "technicianId"), (_CHANGE, "visitId"), (_CANCEL, "visitId"))
_KEYS: Final = ("apiKey", "companyId", "accessToken", "refreshToken", "expiresAt")
_FELT: Final = ("status 500", "status 422", "other data", "half of it", "nothing")
"""What jobs meet too: the worker goes on with them, whatever is answered then."""
_NOT_READ: Final = "customer_not_read"
_TOKENS: Final = ("accessToken", "refreshToken", "expiresAt")


@dataclass(frozen=True)
class Branch:
    """A business whose jobs are at a platform."""

    flood: Flood
    company: Company
    turn: int
    """Which of the operations that platforms share it sends wrong requests to."""
    forgive: Callable[[], None]
    """Lets connections be asked again at once, however much they were."""
    printed: Callable[[str], int]
    """Tells in how many lines services have printed a word."""

    def go_through(self) -> list[Sent]:
        """Send canaries through every operation of the platform's, and its webhook.

        Return a good request for each, for more trouble later.
        """
        self.company.opens()
        self.flood.fields = {"technicianId": self.company.technician_id}
        self._connect()
        self._read()
        self._try_operations()
        self._send_wrong()
        self._connect_by_key()
        self.company.tells(f"{self.flood.house.url}/webhooks/{self.company.slug}")
        self._deliver()
        self._look_after_a_customer()
        self.company.renames_everybody()
        wishes = self.flood.beside.good_ones(self.operations)
        self._meet_trouble()
        return wishes

    @property
    def operations(self) -> list[str]:
        """Return the names of this platform's operations."""
        paths = (PLATFORM, f"/integrations/{self.company.slug}/")
        known = self.flood.endpoints.items()
        return [name for name, each in known if each.path.startswith(paths)]

    @property
    def _connecting(self) -> str:
        return f"POST /integrations/{self.company.slug}/connect"

    def _connect(self) -> None:
        """Connect, with new credentials."""
        self.flood.fields = {**self.flood.fields, **self.company.credentials()}
        self._must(self.flood.wish(self._connecting))

    def _try_operations(self) -> None:
        """Try them all; what no platform's name makes different, at every second."""
        for number, name in enumerate(self.operations):
            endpoint, is_ours = self.flood.endpoints[name], "provider" not in name
            if is_ours or number % 2 == self.turn:
                self.flood.try_everything(endpoint)
            else:
                self.flood.try_good(endpoint)

    def _send_wrong(self) -> None:
        """Send canaries where ids and keys are; leave out what has to be there."""
        flood = self.flood.beside
        for name, field in (*_WRONG, *((self._connecting, each) for each in _KEYS)):
            word = flood.canaries.text(f"{name} wrong {field}")
            flood.send(flood.wish(name, **{field: word}))
        nobody = flood.wish(_CUSTOMER, phone=None, email=None)
        assert flood.send(nobody).status_code == 400

    def _connect_by_key(self) -> None:
        wish = self.flood.wish(self._connecting)
        body = wish.body or {}
        kept = {name: body[name] for name in body if name not in _TOKENS}
        self._must(replace(wish, body=kept))

    def _must(self, wish: Wish) -> Json:
        answer = self.flood.send(wish)
        assert answer.is_success, f"{wish.endpoint.name}: {answer.text}"
        return dict(answer.json()["data"])

    def _read(self) -> None:
        """Have the schedule read, and say that its technician is our agent."""
        self._must(self.flood.wish(_TECHNICIANS))
        self._must(self.flood.wish(_ASSIGN))
        wait_for("its jobs were read", lambda: None in self.flood.jobs())

    def _deliver(self) -> None:
        """Have the platform tell canaries, and others pretend to be it."""
        deliveries = Deliveries(self.company, self.flood.canaries)
        for each in deliveries.good():
            assert self._told(deliveries.name, each).status_code == 202, each
        for each in deliveries.bad():
            assert self._told(deliveries.name, each).is_client_error, each

    def _told(self, name: str, delivery: Delivery) -> httpx2.Response:
        return self.flood.beside.raw(
            name,
            delivery.method,
            f"/webhooks/{self.company.slug}",
            content=delivery.content,
            headers=delivery.headers,
            params=delivery.query,
        )

    def _look_after_a_customer(self) -> None:
        """Book by either way, then export and forget who it is for."""
        self._must(self.flood.wish("POST /appointments"))
        booking = self.flood.wish(BOOK)
        self.flood.finished(self._must(booking))
        person = (booking.body or {})["jobData"]["customer"]
        same = {"phone": person["phone"], "email": None}
        told = self._must(self.flood.wish("POST /customers/export", **same))
        assert [each["customer"]["name"] for each in told["visits"]] == [person["name"]]
        erased = self._must(self.flood.wish("POST /customers/erase", **same))
        assert (erased["appointments"], erased["visits"]) == (1, 1)

    def _meet_trouble(self) -> None:
        """Go on while somebody else answers in the platform's place, and says much."""
        job_id = self.flood.finished(self._must(self.flood.wish(BOOK)))["jobId"]
        with stranger(self.company.dies()) as there:
            self._ask_about_a_customer(there)
            for what in answers(""):
                word = self.flood.canaries.text(f"{self.company.slug} answers {what}")
                there.answer, asked = answers(word)[what], there.asked
                self._ask(job_id if what in _FELT else None)
                assert there.asked > asked, f"nobody met {what}"
            self.forgive()
            there.answer = None
            assert self.flood.send(self.flood.wish(BOOK)).is_success
        self.company.rises()
        self._recover()

    def _ask_about_a_customer(self, there: Stranger) -> None:
        """Have the worker ask, and fail, before the connection has to rest."""
        word = self.flood.canaries.text(f"{self.company.slug} answers about a customer")
        there.answer = answers(word)["status 500"]
        before = self.printed(_NOT_READ)
        self.forgive()
        deliveries = Deliveries(self.company, self.flood.canaries)
        for each in deliveries.due():
            self._told(deliveries.name, each)
        wait_for("nobody told", lambda: self.printed(_NOT_READ) > before)

    def _ask(self, job_id: str | None) -> None:
        """Send whatever asks the platform at once; jobs too, if one is named."""
        flood, beside = self.flood, self.flood.beside
        self.forgive()
        sent = [(beside, flood.wish(each)) for each in (_CUSTOMER, self._connecting)]
        if job_id is not None:
            ids = {"provider": self.company.slug, "jobId": job_id}
            change = flood.writer.wish(flood.endpoints[_CHANGE], ids)
            sent += [(flood, flood.wish(BOOK)), (beside, change)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda each: each[0].send(each[1]), sent))

    def _recover(self) -> None:
        """Connect again; what has expired is renewed."""
        self._connect()
        self.forgive()
        self.company.expires()
        # The worker has its turns with the account too: whoever is late is asked back.
        customer = self.flood.wish(_CUSTOMER)
        wait_for("a customer", lambda: self.flood.send(customer).is_success)
