"""A real Postfix and a real Dovecot for the tests, with the face of the demo's post office.

Both come from Debian and run with configurations of their own in a temporary folder, on free ports of loopback.
Postfix takes every mail and hands it to Dovecot by LMTP: ours into the mailbox that the program reads over IMAP, the
units' into one Maildir each. Postfix's master starts as root only, so these tests do, too.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Self

from deployments.engine import free_port
from deployments.postoffice import Account
from deployments.processes import Child
from models.domain.tokens import is_own_address
from tests.waiting import waited_for

NO_SERVERS = "no Postfix and Dovecot on this machine, or not root (Debian: postfix dovecot-imapd dovecot-lmtpd)"
OWNER = "nobody"
REFUSED = "baocao.so-tu-phap@example.invalid"
"""An address that Postfix refuses while it is told of it."""
BOUNCED = "baocao.so-noi-vu@example.invalid"
"""An address that Postfix takes, and that the server to which it passes the mail on refuses for good."""

BENEATH_INBOX = "duoi-hop-thu-den@dondoc.example.invalid"
"""An account whose folders lie beneath INBOX, as older servers have them."""

DOVECOT = """
base_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_never_cache_fields = imap.envelope date.received
recipient_delimiter = +
maildir_stat_dirs = yes
postmaster_address = postmaster@dondoc.example.invalid
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/dovecot-users
  default_fields = uid={uid} gid={gid} home={folder}/mail/%Lu
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%Lu allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = .
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
"""
POSTFIX = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = mx.dondoc.example.invalid
mydestination =
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
recipient_delimiter = +
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
transport_maps = texthash:{folder}/transport
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/refused, permit_mynetworks, reject
message_size_limit = 67108864
virtual_mailbox_limit = 0
smtpd_client_connection_count_limit = 0
bounce_queue_lifetime = 1d
alias_maps =
alias_database =
"""
MASTER = """
127.0.0.1:{smtp_port} inet n - n - - smtpd
127.0.0.1:{other_port} inet n - n - - smtpd
  -o myhostname=mx.donvi.example.invalid
  -o smtpd_recipient_restrictions=check_recipient_access,texthash:{folder}/closed,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def can_serve() -> bool:
    """Say whether both servers are here and may be started."""
    return os.geteuid() == 0 and all(map(shutil.which, ("postfix", "dovecot", "doveadm")))


class MailServers:
    """The two servers, running; each account is a mailbox of its own, made when something comes for it."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder, which whoever runs the servers may enter."""
        self.folder = folder
        self.smtp_port, self.imap_port, self.lmtp_port, self.other_port = (free_port() for _ in range(4))
        self._numbers = count(1)

    def maildir(self, address: str) -> Path:
        """Return where the mails of an address lie; plus-addresses lie with it."""
        user, _, domain = address.lower().partition("@")
        return self.folder / "mail" / f"{user.partition('+')[0]}@{domain}" / "Maildir"

    def new_account(self) -> Account:
        """Return an account that nobody else has."""
        address = f"baocao{next(self._numbers)}@dondoc.example.invalid"
        return Account(address=address, username=address)

    def doveadm(self, *command: str) -> str:
        """Have Dovecot's administrator do something."""
        return _run("doveadm", "-c", self.folder / "dovecot.conf", *command)

    def n_queued(self) -> int:
        """Return how many mails Postfix holds that it has not given up for now."""
        queue = self.folder / "queue"
        return sum(
            1 for name in ("maildrop", "incoming", "active") for each in (queue / name).rglob("*") if each.is_file()
        )

    def settle(self) -> None:
        """Wait until Postfix has handed out all that it took."""
        assert waited_for(lambda: self.n_queued() == 0, seconds=60), self.said()

    def said(self) -> str:
        """Return the end of what the servers have logged."""
        logs = [self.folder / name for name in ("postfix.log", "dovecot.log", "postfix.out", "dovecot.out")]
        return "\n".join(log.read_text("utf-8", "replace")[-1500:] for log in logs if log.exists())


class RealPostOffice:
    """The servers as the home of one office: what units get lies beneath `mail/`, as the demo's post office lays it."""

    def __init__(self, home: Path, *, servers: MailServers, account: Account | None = None) -> None:
        """Keep the home, where only the tests write, and the account that the program reads."""
        self.home = home
        self.servers = servers
        self.account = account or servers.new_account()
        self.smtp_port, self.imap_port = servers.smtp_port, servers.imap_port
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        """Make the home."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.servers.settle()
        self._seen |= {str(path) for path in self._delivered()}
        return self

    def __exit__(self, *_error: object) -> None:
        """Leave the servers running."""

    def settle(self) -> None:
        """Wait until all is delivered, note it as come at the home's virtual instant, and show the units theirs."""
        self.servers.settle()
        now = self.home / "now"
        instant = datetime.fromisoformat(now.read_text("ascii").strip()) if now.exists() else None
        arrived = [path for path in self._delivered() if str(path) not in self._seen]
        for path in sorted(arrived, key=lambda each: (each.stat().st_mtime_ns, each.name)):
            self._seen.add(str(path))
            if instant is not None:
                os.utime(path, (instant.timestamp(), instant.timestamp()))
            address = path.parent.parent.parent.name
            if not is_own_address(address, self.account.address):
                self._show(address, path)

    def _delivered(self) -> list[Path]:
        return list((self.servers.folder / "mail").glob("*/Maildir/new/*"))

    def _show(self, address: str, path: Path) -> None:
        folder = self.home / "mail" / address
        folder.mkdir(parents=True, exist_ok=True)
        # Dovecot keeps lines as Unix ends them; on the wire they end as mails do.
        content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        (folder / f"{len(list(folder.iterdir())) + 1:06}-{path.name.partition('.')[0]}.eml").write_bytes(content)

    def put_in_mailbox(self, content: bytes, received_at: datetime | None = None) -> None:
        """Lay a mail into our mailbox, past SMTP, as hostile as it is."""
        maildir = self.servers.maildir(self.account.address)
        self.servers.doveadm("mailbox", "status", "-u", self.account.address, "messages", "INBOX")
        name = f"{len(self._seen) + 1}.{os.urandom(6).hex()}.test"
        self._seen.add(str(maildir / "new" / name))
        beside = maildir / "tmp" / name
        beside.write_bytes(content)
        owner = pwd.getpwnam(OWNER)
        os.chown(beside, owner.pw_uid, owner.pw_gid)
        if received_at is not None:
            os.utime(beside, (received_at.timestamp(), received_at.timestamp()))
        beside.rename(maildir / "new" / name)

    def forget_uids(self) -> None:
        """Give the mailbox a new UIDVALIDITY, as a server does that was restored from a backup."""
        status = self.servers.doveadm("mailbox", "status", "-u", self.account.address, "uidvalidity", "INBOX")
        validity = int(status.rpartition("=")[2]) + 1
        self.servers.doveadm("mailbox", "update", "-u", self.account.address, "--uid-validity", str(validity), "INBOX")


@contextmanager
def running_mail_servers(*, are_all_reached: bool = False) -> Iterator[MailServers]:
    """Yield the servers on loopback, and end them and all their mail after.

    Two units cannot be written to, unless all are to be reached.
    """
    folder = Path(tempfile.mkdtemp(prefix="dondoc-mail-"))  # not below pytest's, which only root may enter
    folder.chmod(0o755)
    servers = MailServers(folder)
    owner = pwd.getpwnam(OWNER)
    facts = {"folder": folder, "uid": owner.pw_uid, "gid": owner.pw_gid, "password": Account().password}
    facts |= {name: getattr(servers, name) for name in ("smtp_port", "imap_port", "lmtp_port", "other_port")}
    facts |= {"refused": "" if are_all_reached else REFUSED, "bounced": "" if are_all_reached else BOUNCED}
    try:
        _lay_out(folder, facts, owner)
        dovecot = ["dovecot", "-F", "-c", str(folder / "dovecot.conf")]
        _run("postfix", "-c", folder / "postfix", "check")
        programs = _run("postconf", "-c", folder / "postfix", "-h", "daemon_directory").strip()
        # Not by `postfix start`: that one leaves our process group, and would outlive us.
        postfix = [f"{programs}/master", "-d", "-c", str(folder / "postfix")]
        with (
            Child(dovecot, environment={}, log=folder / "dovecot.out"),
            Child(postfix, environment={}, log=folder / "postfix.out"),
        ):
            ports = (servers.smtp_port, servers.imap_port, servers.lmtp_port)
            assert waited_for(lambda: all(map(_listens, ports)), seconds=60), servers.said()
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(folder: Path, facts: dict[str, object], owner: pwd.struct_passwd) -> None:
    for name in ("postfix", "queue", "mail", "run", "data"):
        (folder / name).mkdir()
    os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    postfix = pwd.getpwnam("postfix")
    os.chown(folder / "data", postfix.pw_uid, postfix.pw_gid)
    (folder / "dovecot.conf").write_text(DOVECOT.format(**facts))
    (folder / "postfix" / "main.cf").write_text(POSTFIX.format(**facts))
    (folder / "postfix" / "master.cf").write_text(MASTER.format(**facts))
    bounced, refused = facts["bounced"], facts["refused"]
    (folder / "transport").write_text(f"{bounced} smtp:[127.0.0.1]:{facts['other_port']}\n" if bounced else "")
    (folder / "closed").write_text(f"{bounced} 550 5.1.1 Mailbox closed\n" if bounced else "")
    (folder / "dovecot-users").write_text(
        f"{BENEATH_INBOX}:{{PLAIN}}{facts['password']}::::::userdb_namespace/inbox/prefix=INBOX.\n"
    )
    (folder / "refused").write_text(f"{refused} 550 5.1.1 No such mailbox here\n" if refused else "")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _run(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
