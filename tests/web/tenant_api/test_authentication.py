"""Whom the tenant API lets in: users by their tokens, services by their keys."""

from dataclasses import replace
from typing import Any

import pytest

from tests.harness import tokens
from tests.harness.running import JWT_SECRET, SERVICE_KEY
from tests.web.tenant_api.conftest import Desk
from universal_calendar.bootstrap.parts import new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.identity import Role

INVALID = {
    "success": False,
    "error": {
        "code": "UNAUTHORIZED",
        "message": "Invalid or expired token",
        "details": None,
    },
}


def some_id() -> str:
    return str(new_id(from_datetime(utc_now())))


def with_token(desk: Desk, token: str) -> Desk:
    return replace(desk, headers={"Authorization": f"Bearer {token}"})


def status(desk: Desk, token: str) -> int:
    return with_token(desk, token).get("/agents").status_code


class TestTokens:
    def test_good_ones(self, desk: Desk) -> None:
        tenant = desk.tenant_id
        for content in (
            tokens.claims(tenant),
            tokens.claims(tenant.upper()),
            tokens.claims(tenant, iat=tokens.seconds_from_now(50)),
            tokens.claims(tenant, nbf=tokens.seconds_from_now(50.0)),
            tokens.claims(tenant, email="someone@example.com", unknown={"a": [1]}),
            tokens.claims(tenant, iss="https://auth.example.com"),
            tokens.claims(tenant, exp=tokens.seconds_from_now(60) + 0.5),
        ):
            assert status(desk, tokens.signed(content)) == 200, content

    def test_user_may_be_named_by_either_claim(self, desk: Desk) -> None:
        content = tokens.claims(desk.tenant_id, user_id="from-user-id")
        del content["sub"]
        with_token(desk, tokens.signed(content)).post("/agents", {"name": "Bob"})
        content = tokens.claims(desk.tenant_id, sub="from-sub", user_id="other")
        with_token(desk, tokens.signed(content)).post("/agents", {"name": "Bob"})
        entries = desk.get("/audit", action="agent.created").json()["data"]["entries"]
        assert [each["actorId"] for each in entries] == ["from-sub", "from-user-id"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": -1},
            {"exp": 0},
            {"exp": None},
            {"exp": "tomorrow"},
            {"exp": True},
            {"exp": float("nan")},
            {"exp": float("inf")},
            {"iat": "now"},
            {"nbf": None},
            {"role": "admin"},
            {"role": "Owner"},
            {"role": None},
            {"role": ["owner"]},
            {"role": 3},
            {"sub": ""},
            {"sub": " "},
            {"sub": "a\0b"},
            {"sub": "a" * 256},
            {"sub": 7},
            {"sub": None},
            {"tenant_id": "acme"},
            {"tenant_id": 7},
            {"tenant_id": ""},
            {"aud": "somebody-else"},
            {"padding": "a" * 9000},
        ],
        ids=str,
    )
    def test_claims_that_open_nothing(self, changes: Any, desk: Desk) -> None:
        content = tokens.claims(desk.tenant_id) | changes
        answer = with_token(desk, tokens.forged(content, JWT_SECRET.encode())).get(
            "/agents"
        )
        assert (answer.status_code, answer.json()) == (401, INVALID)
        assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("claim", ["nbf", "iat"])
    def test_claims_of_the_future(self, claim: str, desk: Desk) -> None:
        later = tokens.claims(desk.tenant_id) | {claim: tokens.seconds_from_now(600)}
        assert status(desk, tokens.signed(later)) == 401

    def test_exp_is_required(self, desk: Desk) -> None:
        content = tokens.claims(desk.tenant_id)
        del content["exp"]
        assert status(desk, tokens.signed(content)) == 401

    def test_expired_by_a_moment(self, desk: Desk) -> None:
        content = tokens.claims(desk.tenant_id, exp=tokens.seconds_from_now(-2))
        assert status(desk, tokens.signed(content)) == 401

    def test_signatures_that_open_nothing(self, desk: Desk) -> None:
        good = tokens.claims(desk.tenant_id)
        secret, token = JWT_SECRET.encode(), tokens.signed(good)
        head, body, signature = token.split(".")
        tampered = tokens.signed(tokens.claims(some_id())).split(".")[1]
        for bad in (
            tokens.unsigned(good),
            tokens.unsigned(good, "None"),
            tokens.unsigned(good, "HS256"),
            tokens.forged(good, b"weak"),
            tokens.forged(good, b""),
            tokens.forged(good, secret[:-1]),
            tokens.forged(good, secret, {"alg": "HS384"}),
            tokens.forged(good, secret, {"alg": ["HS256"]}),
            tokens.forged(good, secret, {"alg": "hs256"}),
            tokens.forged(good, secret, {"alg": "RS256", "kid": "a"}),
            tokens.forged(good, secret, {"alg": "HS256", "crit": ["x"], "x": 1}),
            tokens.forged(good, secret, {"alg": "HS256", "b64": False}),
            tokens.forged(good, secret, {}),
            tokens.forged([good], secret),
            tokens.forged("text", secret),
            tokens.signed(good, JWT_SECRET * 2, "HS512"),
            f"{head}.{tampered}.{signature}",
            f"{head}.{body}.",
            f"{head}.{body}",
            f"{token}.{signature}",
            f"{token} {token}",
            "a.b.c",
            "...",
            desk.api_key,
            SERVICE_KEY,
        ):
            answer = with_token(desk, bad).get("/agents")
            assert (answer.status_code, answer.json()) == (401, INVALID), bad

    def test_user_without_tenant_is_forbidden(self, desk: Desk) -> None:
        absent = tokens.claims(None)
        del absent["tenant_id"]
        for content in (tokens.claims(None), absent):
            answer = with_token(desk, tokens.signed(content)).get("/agents")
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "FORBIDDEN"

    def test_scheme_is_read_in_any_case_and_no_other(self, desk: Desk) -> None:
        token = tokens.signed(tokens.claims(desk.tenant_id))
        for scheme, expected in (("bearer", 200), ("BEARER ", 200), ("Basic", 401)):
            asking = replace(desk, headers={"Authorization": f"{scheme} {token}"})
            assert asking.get("/agents").status_code == expected

    def test_a_role_may_not_do_more(self, desk: Desk) -> None:
        for role, expected in ((Role.VIEWER, 403), (Role.OPERATOR, 403)):
            answer = desk.as_user(role).post("/agents", {"name": "Bob"})
            assert answer.status_code == expected
        assert (
            desk.as_user(Role.OWNER).post("/agents", {"name": "B"}).status_code == 200
        )


class TestServiceKeys:
    @pytest.mark.parametrize(
        "key", ["wrong", f"{SERVICE_KEY}x", SERVICE_KEY[:-1], SERVICE_KEY.upper(), "é"]
    )
    def test_wrong_ones(self, key: str, desk: Desk) -> None:
        headers = {"X-Service-Key": key.encode("latin-1")}
        params = {"tenantId": desk.tenant_id}
        answer = desk.http.get(f"{desk.url}/agents", headers=headers, params=params)
        assert answer.status_code == 401
        assert answer.json()["error"]["message"] == "Invalid service key"

    def test_an_empty_one_is_none(self, desk: Desk) -> None:
        answer = desk.get("/agents", headers={}).status_code
        assert answer == 200
        nobody = replace(desk, headers={"X-Service-Key": ""})
        told = nobody.get("/agents").json()["error"]["message"]
        assert told == "Send Authorization: Bearer <token> or X-Service-Key"

    def test_tenant_must_be_named(self, desk: Desk) -> None:
        answer = desk.ask("GET", "/agents")
        assert answer.status_code == 400
        (field,) = answer.json()["error"]["details"]["fields"]
        assert field["field"] == "tenantId"

    def test_it_alone_is_judged_where_both_are_sent(self, desk: Desk) -> None:
        token = tokens.signed(tokens.claims(desk.tenant_id))
        good = {"Authorization": f"Bearer {token}"}
        bad = {"Authorization": "Bearer nonsense"}
        both = replace(desk, headers=desk.headers | bad)
        assert both.get("/agents").status_code == 200
        wrong = replace(desk, headers=good | {"X-Service-Key": "wrong"})
        assert wrong.get("/agents").status_code == 401

    def test_api_keys_open_nothing(self, desk: Desk) -> None:
        for headers in (
            {"X-API-Key": desk.api_key},
            {"X-Service-Key": desk.api_key},
            {"Authorization": f"Bearer {desk.api_key}"},
        ):
            assert replace(desk, headers=headers).get("/agents").status_code == 401
        body = {"api_key": desk.api_key, "name": "Bob"}
        assert replace(desk, headers={}).post("/agents", body).status_code == 401
