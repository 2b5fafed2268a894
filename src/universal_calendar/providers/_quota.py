"""What a platform's quota leaves to whoever asks several times for one thing."""

from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports.quotas import Bucket


def until_all_is_there(error: Throttled, spent: float, bucket: Bucket) -> Throttled:
    """Return how long to wait before beginning anew, and paying for all of it again.

    `spent` was paid before the quota did not suffice: it is to be there then, too.
    """
    again = (error.retry_after or 0.0) + spent * bucket.seconds / bucket.most
    return Throttled(min(again, bucket.seconds))
