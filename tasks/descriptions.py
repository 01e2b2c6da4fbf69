"""Says of each obligation's deployment by which clause it is, and which deadline comes next; and keeps that true."""

from datetime import date, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.runtime import flow_run

from models.domain.calendar import last_day_before
from models.domain.cycles import cycles_of_years
from models.domain.plan import Obligation, Programme
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.texts import Texts
from tasks.names import run_name
from tasks.runtime import Runtime


def description_of(programme: Programme, obligation: Obligation, texts: Texts, today: date) -> str:
    """Return the obligation's clause and quotation, and the next deadline as it is on the day, in Markdown."""
    coming = next(
        (
            cycle
            for cycle in cycles_of_years(programme, obligation, first_year=today.year, last_year=today.year + 1)
            if last_day_before(cycle.due_at) >= today
        ),
        None,
    )
    deadline = texts.deadline(coming.due_at, programme.calendar) if coming else texts.say("deployment.no_next")
    return texts.say(
        "deployment.obligation.description",
        obligation=obligation.title,
        programme=programme.short_title,
        clause=obligation.clause,
        quotation=obligation.quotation,
        title=coming.title if coming else "–",
        deadline=deadline,
    )


@task(name="refresh-descriptions", task_run_name=run_name("refresh_descriptions"), cache_policy=NO_CACHE)
def refresh_descriptions(runtime: Runtime, as_of: datetime) -> int:
    """Let the pages name the deadline that comes next now, and return how many deployments had named one that is past.

    They are written when the program is started, which may be months ago. Outside a run there are no pages.
    """
    if not flow_run.id:
        return 0
    today, n_changed = as_of.astimezone(OFFICE_ZONE).date(), 0
    with get_client(sync_client=True) as client:
        for programme in runtime.programmes.values():
            tagged = DeploymentFilter(tags=DeploymentFilterTags(all_=[programme.code]))
            for deployment in client.read_deployments(deployment_filter=tagged):
                obligation = programme.obligation(str(deployment.parameters["obligation"]))
                wanted = description_of(programme, obligation, runtime.texts, today)
                if deployment.description != wanted:
                    client.update_deployment(deployment.id, DeploymentUpdate(description=wanted))
                    n_changed += 1
    return n_changed
