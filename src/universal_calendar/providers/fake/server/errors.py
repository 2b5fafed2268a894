"""The sandbox's one kind of refusal."""


class Problem(Exception):
    """An answer that is not what was asked for: an HTTP status and a code."""

    def __init__(self, status: int, code: str) -> None:
        """Take both as they are answered."""
        self.status, self.code = status, code
        super().__init__(f"{status} {code}")
