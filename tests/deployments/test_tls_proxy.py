"""Debian's nginx with the shipped configuration before a real Prefect server: over TLS, with the password, or not."""

import base64
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deployments.credentials import credentials_of
from deployments.engine import free_port, start_server
from deployments.processes import Child
from tests.meta.source_code import ROOT
from tests.run_forms import QUIET
from tests.waiting import waited_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
SHIPPED = ROOT / "deployments" / "nginx" / "dondoc.conf"
LISTENING = "0A"
LOOPBACK = "0100007F"
AROUND = """daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    access_log off;
    client_body_buffer_size 4m;  # of root, its workers are somebody who may not write here
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/dondoc.conf;
}}
"""
pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx on this machine (Debian: nginx-light)")


@dataclass(frozen=True)
class Doors:
    """Where the server is, its password, and where the proxy before it answers in plain and over TLS."""

    server: int
    plain: int
    tls: int
    auth: str
    trust: ssl.SSLContext

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.tls}"

    def ask(self, path, *, auth="", body=None, method="GET"):
        """Return status, headers and text of an answer over TLS."""
        door = http.client.HTTPSConnection("127.0.0.1", self.tls, context=self.trust, timeout=60)
        headers = {"content-type": "application/json"}
        headers |= {"authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"} if auth else {}
        with closing(door):
            door.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
            answer = door.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()

    def listening(self, path):
        """Return an open socket of events or logs, over TLS."""
        return connect(f"wss://{self.address}/api{path}", ssl=self.trust, subprotocols=["prefect"], open_timeout=60)


@pytest.fixture(scope="module")
def doors(tmp_path_factory, certificate):
    folder = tmp_path_factory.mktemp("proxied")
    file, _ = certificate
    home, port, plain, tls = folder / "home", free_port(), free_port(), free_port()
    home.mkdir()
    auth = credentials_of(home)
    with start_server(home, port), _nginx(folder, file, port, plain, tls):
        trust = ssl.create_default_context(cafile=file)
        yield Doors(server=port, plain=plain, tls=tls, auth=auth, trust=trust)


@contextmanager
def _nginx(folder, certificate, port, plain, tls):
    """Run nginx with the shipped configuration; ports and certificate are what an office changes, too."""
    for file in (certificate, certificate.with_name("key.pem")):
        shutil.copy(file, folder / file.name)
    written = SHIPPED.read_text("utf-8")
    for office, here in {
        "127.0.0.1:4200;": f"127.0.0.1:{port};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "dondoc.tinh.example.invalid": "127.0.0.1",
        "/etc/dondoc/chung-thu.pem": str(folder / "cert.pem"),
        "/etc/dondoc/khoa.pem": str(folder / "key.pem"),
    }.items():
        assert office in written
        written = written.replace(office, here)
    (folder / "dondoc.conf").write_text(written, "utf-8")
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder), "utf-8")
    log = folder / "nginx.log"
    with Child(
        [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")], environment={}, log=log
    ) as it:
        assert waited_for(lambda: it.has_ended or _answers(plain), seconds=60)
        assert not it.has_ended, log.read_text("utf-8") + (folder / "error.log").read_text("utf-8")
        yield


def _answers(port):
    door = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        with closing(door):
            door.request("GET", "/")
            return door.getresponse().status
    except OSError:
        return None


def test_the_pages_answer_over_tls_and_say_how_they_are_to_be_held(doors):
    status, headers, page = doors.ask("/")
    assert status in {HTTPStatus.OK, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.FOUND}
    if status != HTTPStatus.OK:
        assert not headers["location"].startswith("http://")
        status, headers, page = doors.ask("/dashboard")
    assert "<html" in page
    assert headers["Strict-Transport-Security"]
    assert "nginx/" not in str(headers)


def test_plain_http_is_sent_to_tls_whatever_was_asked_for(doors):
    door = http.client.HTTPConnection("127.0.0.1", doors.plain, timeout=60)
    with closing(door):
        door.request("GET", "/api/health?x=1", headers={"Host": "127.0.0.1"})
        answer = door.getresponse()
        assert (answer.status, answer.getheader("Location")) == (301, "https://127.0.0.1/api/health?x=1")


@pytest.mark.parametrize("auth", ["", "dondoc:khong-phai"])
def test_the_api_refuses_who_does_not_know_the_password(doors, auth):
    assert doors.ask("/api/admin/version", auth=auth)[0] == HTTPStatus.UNAUTHORIZED
    assert doors.ask("/api/flows/filter", auth=auth, body={}, method="POST")[0] == HTTPStatus.UNAUTHORIZED


def test_the_api_answers_who_knows_it(doors):
    assert doors.ask("/api/admin/version", auth=doors.auth)[0] == HTTPStatus.OK
    status, _, text = doors.ask("/api/flows/filter", auth=doors.auth, body={}, method="POST")
    assert (status, json.loads(text)) == (HTTPStatus.OK, [])


def test_a_package_of_logs_comes_through_as_large_as_a_worker_sends_it(doors):
    log = {
        "name": "dondoc",
        "level": 20,
        "timestamp": datetime.now(UTC).isoformat(),  # noqa: TID251 - Prefect's own field, by its own clock
    }
    logs = [log | {"message": "x" * 100_000} for _ in range(20)]
    status, _, text = doors.ask("/api/logs/", auth=doors.auth, body=logs, method="POST")
    assert status == HTTPStatus.CREATED, text


def test_events_come_through_as_they_happen(doors):
    name = f"dondoc.test.{uuid4().hex}"
    now = datetime.now(UTC)  # noqa: TID251 - Prefect's own field, by its own clock
    # Without an end of its own a filter ends when the server reads it, and what happens later is not told.
    ahead = {"since": now.isoformat(), "until": (now + timedelta(days=365)).isoformat()}
    with doors.listening("/events/out") as socket:
        socket.send(json.dumps({"type": "auth", "token": doors.auth}))
        assert json.loads(socket.recv(timeout=60))["type"] == "auth_success"
        socket.send(json.dumps({"type": "filter", "filter": {"event": {"name": [name]}, "occurred": ahead}}))
        event = {
            "occurred": now.isoformat(),
            "event": name,
            "resource": {"prefect.resource.id": "dondoc.test"},
            "id": str(uuid4()),
        }
        status, _, text = doors.ask("/api/events", auth=doors.auth, body=[event], method="POST")
        assert status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}, text
        assert json.loads(socket.recv(timeout=60))["event"]["event"] == name


def test_nobody_listens_to_events_without_the_password(doors):
    with doors.listening("/events/out") as socket:
        socket.send(json.dumps({"type": "auth", "token": "dondoc:khong-phai"}))
        with pytest.raises(ConnectionClosed):
            json.loads(socket.recv(timeout=60))


def test_the_server_itself_is_reached_from_this_machine_alone(doors):
    lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    addresses = [words[1].split(":") for words in lines if words[3] == LISTENING]
    assert {address for address, port in addresses if int(port, 16) == doors.server} == {LOOPBACK}
    sixes = [line.split() for line in Path("/proc/net/tcp6").read_text("ascii").splitlines()[1:]]
    assert not [words for words in sixes if words[3] == LISTENING and int(words[1].split(":")[1], 16) == doors.server]


ASK_AS_A_WORKER = """
from deployments.engine import prefect_settings, require_answer, use
from tasks.settings import Settings

settings = Settings.load()
require_answer(settings.prefect)
use(prefect_settings(settings.home, 0, settings.prefect))
from prefect.client.orchestration import get_client

with get_client(sync_client=True) as client:
    print(client.read_flows())
"""


@pytest.mark.parametrize("is_trusted", [True, False])
def test_another_machine_works_through_the_proxy_when_it_trusts_its_certificate(
    doors, certificate, tmp_path, is_trusted
):
    environment = {
        "DONDOC_HOME": str(tmp_path),
        "DONDOC_PREFECT_API_URL": f"https://{doors.address}/api",
        "DONDOC_PREFECT_AUTH": doors.auth,
    } | ({"SSL_CERT_FILE": str(certificate[0])} if is_trusted else {})
    asked = subprocess.run(
        [sys.executable, "-c", ASK_AS_A_WORKER],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (asked.returncode == 0) is is_trusted, asked.stderr
    assert asked.stdout.strip() == ("[]" if is_trusted else "")


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed (Debian: chromium)")
def test_an_operator_logs_in_through_the_proxy_and_the_browser_asks_nobody_else(doors, tmp_path):
    asked = []
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        page = chromium.new_page(ignore_https_errors=True, locale="vi-VN")
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"https://{doors.address}/login")
        field = page.get_by_placeholder("admin:pass")
        field.fill(doors.auth)
        with page.expect_response(lambda answer: "/api/" in answer.url and answer.request.method == "POST") as answered:
            field.press("Enter")
        assert answered.value.status == HTTPStatus.OK
        page.wait_for_url(lambda url: "/login" not in url, timeout=60_000)
        page.goto(f"https://{doors.address}/deployments", wait_until="networkidle")
        page.screenshot(path=tmp_path / "proxied.png")
        chromium.close()
    elsewhere = [url for url in asked if not url.startswith((f"https://{doors.address}/", "data:", "blob:"))]
    assert elsewhere == []
