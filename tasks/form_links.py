"""Knows where in Prefect's pages an operator fills in the form of an act, and fills in beforehand what is known."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.runtime import flow_run

from tasks.adapters.texts import Texts
from tasks.runtime import Runtime

SPECIAL: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>|~&"} | {"\n": " ", "\r": " "})
"""What would not be read as itself in a page of Markdown; strangers' words stand in ours."""
LINKED_BY_ITSELF: Final = re.compile(r"(://|@|www\.)", re.IGNORECASE)
"""Behind these an address becomes a link without any markup; a space of no width there, and it stays words."""
NO_WIDTH: Final = "\u200b"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLinks:
    """The forms of what is done by hand, by the name of their deployment; none outside a run."""

    texts: Texts
    forms: Mapping[str, UUID] = field(default_factory=dict)

    def link(self, code: str, words: str, **filled: object) -> str:
        """Return a link in Markdown to the form of an act, with fields filled in; the words alone where there is none.

        `filled` is by parameter what the form's field is to hold, a choice exactly as the form offers it.
        """
        identity = self.forms.get(self.texts.say(f"deployment.{code}.name"))
        if identity is None:
            return words
        known = f"?parameters={quote(json.dumps(filled, ensure_ascii=False), safe='')}" if filled else ""
        return f"[{words}](/deployments/deployment/{identity}/run{known})"


def form_links(runtime: Runtime) -> FormLinks:
    """Return where the forms are now; outside a run there are no pages to link to."""
    if not flow_run.id:
        return FormLinks(texts=runtime.texts)
    by_hand = DeploymentFilter(tags=DeploymentFilterTags(all_=[runtime.texts.say("deployment.by_hand")]))
    with get_client(sync_client=True) as client:
        found = client.read_deployments(deployment_filter=by_hand)
    return FormLinks(texts=runtime.texts, forms={deployment.name: deployment.id for deployment in found})


def page_of(key: str) -> str:
    """Return where the pages show the newest artifact of a key: an address that stays good."""
    return f"/artifacts/key/{key}"


def plain(text: str) -> str:
    """Return a text that a page of Markdown shows as it is: no link, no picture, no markup of a stranger's."""
    return LINKED_BY_ITSELF.sub(rf"\1{NO_WIDTH}", text).translate(SPECIAL)
