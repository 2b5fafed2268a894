"""What the fake Google refuses, in the words of the real one's documentation."""

from tests.providers.google.wire import Answer


class Refusal(Exception):
    """An error of the API, by its status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason

    @property
    def answer(self) -> Answer:
        """Return it as it is answered."""
        return refusal(self.status, self.reason)


def refusal(status: int, reason: str, **headers: str) -> Answer:
    """Return an error as the API answers it."""
    domain = "usageLimits" if reason.endswith("LimitExceeded") else "global"
    error = {"domain": domain, "reason": reason, "message": reason}
    body = {"error": {"code": status, "message": reason, "errors": [error]}}
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, body, named)
