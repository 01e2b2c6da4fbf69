"""Opens winmail.dat, in which Outlook packs a whole mail for servers that it takes for its own.

It runs in a worker process only: the library may hang or fill the memory over a hostile one.
"""

import logging
from typing import Final

from tnefparse import TNEF

from models.domain.vietnamese import tidy
from tasks.adapters.mail_parts import octets_as_text
from tasks.ports import MailFile

FILES_READ: Final = 50
LONG_NAME: Final = 0x3707
"""The property PR_ATTACH_LONG_FILENAME."""

_log = logging.getLogger(__name__)


def files_in_winmail(content: bytes) -> list[MailFile]:
    """Return the files packed in a winmail.dat; none when it cannot be opened, or holds none."""
    try:
        attachments = TNEF(content, do_checksum=False).attachments[:FILES_READ]
        return [
            MailFile(name=_name(each), media_type="", content=each.data)
            for each in attachments
            if isinstance(each.data, bytes) and each.data
        ]
    except Exception as problem:  # noqa: BLE001 - the library raises whatever comes of a broken file
        _log.info("a winmail.dat could not be opened: %r", problem)
        return []


def _name(attachment: object) -> str:
    """Return the long name when there is one; old Outlook writes names in the code page of its Windows."""
    short = getattr(attachment, "_name", "")
    names = [each.data for each in getattr(attachment, "mapi_attrs", ()) if each.name == LONG_NAME]
    written = names[0] if names else short
    text = octets_as_text(written, "utf-8") if isinstance(written, bytes) else str(written)
    return tidy(text.replace("\x00", ""))
