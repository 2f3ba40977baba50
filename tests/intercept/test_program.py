"""The environment that a redirected program gets."""

from __future__ import annotations

from pathlib import Path

from dragoman.intercept.names import Hosts
from dragoman.intercept.program import Trust, environment, two_variables

CA, BUNDLE, SYSTEM = Path("/d/ca.pem"), Path("/d/bundle.pem"), "/etc/roots.pem"
TRUST = Trust(CA, CA, BUNDLE, SYSTEM)
PROXY = "http://127.0.0.1:8001"


def made(trust: Trust = TRUST, **environ: str) -> dict[str, str]:
    return environment(environ, Hosts(), PROXY, trust)


def test_the_two_variables_are_set() -> None:
    assert two_variables(PROXY, TRUST).items() <= made().items()
    assert made(KEEP="this")["KEEP"] == "this"


def test_settings_that_replace_a_list_get_the_bundle_those_that_add_the_authority() -> None:
    env = made()
    assert env["SSL_CERT_FILE"] == env["REQUESTS_CA_BUNDLE"] == env["CURL_CA_BUNDLE"] == str(BUNDLE)
    assert env["NODE_EXTRA_CA_CERTS"] == str(CA)


def test_a_list_the_user_set_is_kept_unless_the_bundle_contains_it() -> None:
    env = made(SSL_CERT_FILE=SYSTEM, REQUESTS_CA_BUNDLE="/mine.pem", CURL_CA_BUNDLE="")
    assert env["SSL_CERT_FILE"] == str(BUNDLE)
    assert env["REQUESTS_CA_BUNDLE"] == "/mine.pem"
    assert env["CURL_CA_BUNDLE"] == str(BUNDLE)


def test_without_a_list_of_the_system_nothing_is_replaced() -> None:
    env = made(Trust(CA, CA, None, None), SSL_CERT_FILE="/gone.pem")
    assert env["SSL_CERT_FILE"] == "/gone.pem"
    assert "REQUESTS_CA_BUNDLE" not in env
    assert env["NODE_EXTRA_CA_CERTS"] == str(CA)


def test_no_proxy_exempts_this_machine_and_no_redirected_host() -> None:
    assert made()["no_proxy"] == "localhost,127.0.0.1,::1"
    for name in ("no_proxy", "NO_PROXY"):
        env = made(**{name: "intranet.example,.aliyuncs.com"})
        assert env["no_proxy"] == env["NO_PROXY"] == "localhost,127.0.0.1,::1,intranet.example"
