"""TLS contexts: shared, one per CA file."""

import ssl

import pytest
import trustme

from kilo_gateway.upstreams.tls import TlsContexts


def test_a_context_is_built_once_and_shared():
    contexts = TlsContexts()
    assert contexts.context(None) is contexts.context(None)


def test_a_context_verifies_certificates_and_names():
    context = TlsContexts().context(None)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_ca_file_adds_to_the_systems_store_in_a_context_of_its_own(tmp_path):
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(file)
    contexts = TlsContexts()
    with_file, without = contexts.context(str(file)), contexts.context(None)
    assert with_file is contexts.context(str(file))
    assert with_file is not without
    assert with_file.cert_store_stats()["x509_ca"] == without.cert_store_stats()["x509_ca"] + 1


def test_a_ca_file_that_cannot_be_read_is_an_error_and_not_remembered(tmp_path):
    file = tmp_path / "ca.pem"
    contexts = TlsContexts()
    with pytest.raises(OSError, match="No such file"):
        contexts.context(str(file))
    file.write_text("no certificate")
    with pytest.raises(OSError):  # noqa: PT011 - the words are OpenSSL's
        contexts.context(str(file))
    trustme.CA().cert_pem.write_to_path(file)
    assert contexts.context(str(file))
