"""The demo in a process of its own, over a real Postfix and Dovecot: `python -m tests.demo_over_real_mail HOME`."""

import sys
from pathlib import Path

from deployments.demo import replay
from deployments.engine import free_port
from tests.mail_servers import RealPostOffice, running_mail_servers


def main(home: Path) -> int:
    """Replay the days on which something happens, and return the demo's own exit status."""
    with running_mail_servers(are_all_reached=True) as servers:
        return replay(
            home,
            port=free_port(),
            is_quick=True,
            open_post_office=lambda office: RealPostOffice(office, servers=servers),
        )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
