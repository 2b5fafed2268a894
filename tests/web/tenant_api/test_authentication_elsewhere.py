"""Whom the tenant API lets in with others' help: published keys, sister services."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.harness import tokens
from tests.harness.outside.key_server import KeyServer, key_server, published
from tests.harness.outside.sister_services import SERVICE_KEY as SISTERS_KEY
from tests.harness.outside.sister_services import SisterServices, sister_services
from tests.harness.running import JWT_SECRET, running_service
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.test_authentication import (
    INVALID,
    some_id,
    status,
    with_token,
)
from universal_calendar.bootstrap.parts import Server
from universal_calendar.services.ports.identity import Role

SECOND_KEY = "another-service-key-of-the-tests"
RSA_KEY = rsa.generate_private_key(65537, 2048)
WEAK_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_CURVE = ec.generate_private_key(ec.SECP384R1())


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with key_server() as keys:
        yield keys


@pytest.fixture(scope="module")
def sisters() -> Iterator[SisterServices]:
    with sister_services() as sisters:
        yield sisters


@pytest.fixture(scope="module")
def elsewhere(
    home: Path, server: Server, keys: KeyServer, sisters: SisterServices
) -> Iterator[str]:
    """Run a service with published keys, rotated service keys and sister services."""
    keys.publish(
        published(RSA_KEY, "rsa", use="sig", alg="RS256"),
        published(CURVE_KEY, "curve"),
        published(WEAK_KEY, "weak"),
        published(OTHER_CURVE, "other-curve"),
        published(RSA_KEY, "for-encryption", use="enc"),
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw", "kid": "oct"},
    )
    settings = {
        "JWKS_URL": keys.url,
        "JWT_SECRET": "",
        "JWT_AUDIENCE": "calendar",
        "JWT_ISSUER": "https://auth.example.com",
        "INTERNAL_SERVICE_KEY": f"{SISTERS_KEY}, {SECOND_KEY}",
        "TS_TENANT_SERVICE_URL": sisters.url,
    }
    with running_service(home, **settings) as service:
        yield service.url


@pytest.fixture
def abroad(desk: Desk, elsewhere: str) -> Desk:
    return replace(desk, url=elsewhere, headers={"X-Service-Key": SECOND_KEY})


def addressed(tenant_id: object, **other: Any) -> dict[str, Any]:
    issuer = {"aud": "calendar", "iss": "https://auth.example.com"}
    return tokens.claims(tenant_id, **issuer) | other


def by(key: Any, key_id: str | None, content: dict[str, Any], algorithm: str) -> str:
    headers = {} if key_id is None else {"kid": key_id}
    return tokens.signed(content, key, algorithm, headers=headers)


class TestPublishedKeys:
    def test_both_kinds_open(self, abroad: Desk) -> None:
        content = addressed(abroad.tenant_id)
        assert status(abroad, by(RSA_KEY, "rsa", content, "RS256")) == 200
        assert status(abroad, by(CURVE_KEY, "curve", content, "ES256")) == 200

    def test_what_opens_nothing(self, abroad: Desk) -> None:
        good, public = addressed(abroad.tenant_id), RSA_KEY.public_key()
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        jwk = json.dumps(published(RSA_KEY, "rsa")).encode()
        unaddressed = tokens.claims(abroad.tenant_id)
        stranger = rsa.generate_private_key(65537, 2048)
        for bad in (
            tokens.forged(good, pem),
            tokens.forged(good, pem, {"alg": "HS256", "kid": "rsa"}),
            tokens.forged(good, jwk, {"alg": "HS256", "kid": "rsa"}),
            tokens.forged(good, b"secret-secret-secret-secret-sec", {"alg": "HS256"}),
            tokens.forged(good, JWT_SECRET.encode()),
            tokens.unsigned(good),
            tokens.unsigned(good, "RS256"),
            by(stranger, "rsa", good, "RS256"),
            by(RSA_KEY, "curve", good, "RS256"),
            by(CURVE_KEY, "rsa", good, "ES256"),
            by(RSA_KEY, "rsa", good, "RS512"),
            by(RSA_KEY, "rsa", good, "PS256"),
            by(RSA_KEY, "for-encryption", good, "RS256"),
            by(RSA_KEY, None, good, "RS256"),
            by(OTHER_CURVE, "other-curve", good, "ES384"),
            by(RSA_KEY, "unknown", good, "RS256"),
            by(RSA_KEY, "rsa", good | {"aud": "others"}, "RS256"),
            by(RSA_KEY, "rsa", good | {"iss": "https://x.example"}, "RS256"),
            by(RSA_KEY, "rsa", unaddressed, "RS256"),
            by(RSA_KEY, "rsa", good | {"exp": 1}, "RS256"),
        ):
            answer = with_token(abroad, bad).get("/agents")
            assert (answer.status_code, answer.json()) == (401, INVALID), bad

    @pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
    def test_a_weak_key_opens_nothing(self, abroad: Desk) -> None:
        token = by(WEAK_KEY, "weak", addressed(abroad.tenant_id), "RS256")
        assert status(abroad, token) == 401

    def test_unknown_key_ids_do_not_storm_the_publisher(
        self, abroad: Desk, keys: KeyServer
    ) -> None:
        content = addressed(abroad.tenant_id)
        before = keys.asked
        for turn in range(20):
            assert status(abroad, by(RSA_KEY, f"no-{turn}", content, "RS256")) == 401
        assert keys.asked <= before + 1


class TestTenants:
    """Who may bring a tenant that nobody has heard of."""

    def asked(self, abroad: Desk, tenant_id: str, headers: Any) -> httpx2.Response:
        asking = replace(abroad, tenant_id=tenant_id, headers=headers)
        return asking.get(f"/tenants/{tenant_id}")

    def user(self, tenant_id: str) -> dict[str, str]:
        token = by(RSA_KEY, "rsa", addressed(tenant_id), "RS256")
        return {"Authorization": f"Bearer {token}"}

    def test_both_keys_open(self, abroad: Desk) -> None:
        for key in (SISTERS_KEY, SECOND_KEY):
            asking = replace(abroad, headers={"X-Service-Key": key})
            assert asking.get("/agents").status_code == 200

    def test_a_token_brings_one_by_itself(self, desk: Desk) -> None:
        tenant_id = some_id()
        new = replace(desk, tenant_id=tenant_id).as_user(Role.VIEWER, "first-comer")
        tenant = new.get(f"/tenants/{tenant_id}").json()["data"]["tenant"]
        assert tenant["name"] == f"Tenant {tenant_id[:8]}"
        assert tenant["timezone"] == "UTC"
        owner = new.as_user(Role.OWNER)
        (entry,) = owner.get("/audit").json()["data"]["entries"]
        assert (entry["action"], entry["actorId"]) == ("tenant.created", "first-comer")
        assert entry["subjectId"] == tenant_id

    def test_a_service_key_does_not(self, desk: Desk) -> None:
        answer = replace(desk, tenant_id=some_id()).get("/agents")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "TENANT_NOT_FOUND"

    def test_the_tenant_service_names_it(
        self, abroad: Desk, sisters: SisterServices
    ) -> None:
        for headers in (None, {"X-Service-Key": SECOND_KEY}):
            tenant_id = some_id()
            known = {"id": tenant_id, "businessName": "Doe's Plumbing"}
            zoned = known | {"businessTimezone": "America/Chicago"}
            sisters.tenants[tenant_id] = {"tenant": zoned}
            answer = self.asked(abroad, tenant_id, headers or self.user(tenant_id))
            tenant = answer.json()["data"]["tenant"]
            assert tenant["name"] == "Doe's Plumbing"
            assert tenant["timezone"] == "America/Chicago"

    def test_what_the_tenant_service_does_not_know(self, abroad: Desk) -> None:
        tenant_id = some_id()
        service = {"X-Service-Key": SECOND_KEY}
        assert self.asked(abroad, tenant_id, service).status_code == 404
        assert self.asked(abroad, tenant_id, self.user(tenant_id)).status_code == 200
        assert self.asked(abroad, tenant_id, service).status_code == 200

    def test_a_silent_tenant_service(
        self, abroad: Desk, sisters: SisterServices
    ) -> None:
        tenant_id = some_id()
        sisters.fail(503)
        try:
            service = {"X-Service-Key": SECOND_KEY}
            assert self.asked(abroad, tenant_id, service).status_code == 404
            answer = self.asked(abroad, tenant_id, self.user(tenant_id))
        finally:
            sisters.recover()
        assert answer.json()["data"]["tenant"]["name"] == f"Tenant {tenant_id[:8]}"


@pytest.fixture(scope="module")
def watched(home: Path, server: Server, sisters: SisterServices) -> Iterator[str]:
    """Run a service that asks about every token."""
    settings = {
        "TS_AUTH_SERVICE_URL": sisters.url,
        "VALIDATE_TOKENS_LIVE": "true",
    }
    with running_service(home, **settings) as service:
        yield service.url


class TestLiveValidation:
    def known(self, desk: Desk, role: str) -> dict[str, object]:
        return {
            "id": "user-1",
            "tenant_id": desk.tenant_id,
            "role": role,
            "is_active": True,
        }

    def test_the_service_knows_better(
        self, desk: Desk, watched: str, sisters: SisterServices
    ) -> None:
        token = tokens.signed(tokens.claims(desk.tenant_id))
        user = with_token(replace(desk, url=watched), token)
        assert user.get("/agents").json() == INVALID
        sisters.users[token] = self.known(desk, "owner")
        assert user.post("/agents", {"name": "Bob"}).status_code == 200
        sisters.users[token] = self.known(desk, "viewer")
        assert user.post("/agents", {"name": "Bob"}).status_code == 403
        assert user.get("/agents").status_code == 200
        sisters.users[token] |= {"tenant_id": some_id()}
        assert user.get("/agents").status_code == 403
        sisters.users[token] |= {"tenant_id": None}
        assert user.get("/agents").status_code == 403
        sisters.users[token] = self.known(desk, "owner") | {"is_active": False}
        assert user.get("/agents").json() == INVALID

    def test_nobody_gets_in_while_it_is_silent(
        self, desk: Desk, watched: str, sisters: SisterServices
    ) -> None:
        token = tokens.signed(tokens.claims(desk.tenant_id))
        sisters.users[token] = self.known(desk, "owner")
        asking = replace(desk, url=watched)
        sisters.fail(500)
        try:
            answer = with_token(asking, token).get("/agents")
            assert asking.get("/agents").status_code == 200, (
                "a service key needs no one"
            )
        finally:
            sisters.recover()
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert answer.headers["retry-after"]

    def test_it_is_not_asked_about_bad_tokens(
        self, desk: Desk, watched: str, sisters: SisterServices
    ) -> None:
        before = len(sisters.heard)
        bad = tokens.forged(tokens.claims(desk.tenant_id), b"weak")
        assert status(replace(desk, url=watched), bad) == 401
        assert len(sisters.heard) == before
