"""Fixtures that several folders of tests share."""

import ipaddress
import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import settings

from deployments.postoffice import PostOffice
from models.db.engine import migrate, open_engine
from tests.mail_servers import NO_SERVERS, can_serve, running_mail_servers
from tests.postgresql import NO_SERVER, running_server, server_programs

settings.register_profile("untimed", deadline=None)  # speed is what the bench measures, not a test
settings.load_profile("untimed")


@pytest.fixture
def post_office(tmp_path):
    """A mail server on loopback with a mailbox of ours."""
    with PostOffice(tmp_path / "office") as office:
        yield office


@pytest.fixture(scope="session")
def mail_servers():
    """Postfix and Dovecot; without them on this machine the tests that need them are skipped and say so."""
    if not can_serve():
        pytest.skip(NO_SERVERS)
    with running_mail_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server; without one on this machine the tests that need it are skipped and say so."""
    programs = server_programs()
    if programs is None:
        pytest.skip(NO_SERVER)
    with running_server(programs) as server:
        yield server


@pytest.fixture(scope="session")
def s3():
    """The address of an S3 server."""
    from tests.s3_server import running_s3  # noqa: PLC0415 - it takes a second to import, and few tests need it

    with running_s3() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request, tmp_path):
    """The address of a database without any table: the test runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'dondoc.db'}"
        return
    server = request.getfixturevalue("postgresql")
    url = server.new_database(empty=True)
    yield url
    server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """The address of a database with the newest schema: the test runs on both kinds."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'dondoc.db'}"
        engine = open_engine(url)
        migrate(engine)
        engine.dispose()
        yield url
        return
    server = request.getfixturevalue("postgresql")
    url = server.new_database()
    yield url
    server.drop(url)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1: its file, and the server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2120))
        .add_extension(loopback, critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context
