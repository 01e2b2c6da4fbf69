"""Where a duty's token stands in a mail: the plus-address and the tag in the subject; it makes and verifies none.

A token is 16 lower-case characters of base32. People see it as `[#abcdefgh234567ab]` at the end of a subject.
"""

import re
from typing import Final

TOKEN_LENGTH: Final = 16
_TAG: Final = re.compile(rf"\[#([a-z2-7]{{{TOKEN_LENGTH}}})\]", re.IGNORECASE)
_TOKEN: Final = re.compile(rf"[a-z2-7]{{{TOKEN_LENGTH}}}")


def subject_tag(token: str) -> str:
    """Return the tag that a subject ends with, so that a reply by any mail program carries the token back."""
    return f"[#{token}]"


def token_in_subject(subject: str) -> str | None:
    """Return the token of the first tag in a subject, or None; mail programs that break the line are forgiven."""
    found = _TAG.search(re.sub(r"\s+", "", subject))
    return found[1].lower() if found else None


def reply_address(mail_from: str, token: str) -> str:
    """Return our address with the token: `baocao@…` becomes `baocao+<token>@…`."""
    local, _, domain = mail_from.rpartition("@")
    return f"{local}+{token}@{domain}"


def token_in_address(address: str, mail_from: str) -> str | None:
    """Return the token in a plus-address of ours, or None when it is not ours or carries none."""
    local, _, domain = address.strip().lower().rpartition("@")
    own_local, _, own_domain = mail_from.lower().rpartition("@")
    name, _, token = local.partition("+")
    is_ours = domain == own_domain and name == own_local
    return token if is_ours and _TOKEN.fullmatch(token) else None


def is_own_address(address: str, mail_from: str) -> bool:
    """Say whether an address is ours, with or without a plus part."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" == mail_from.lower()
