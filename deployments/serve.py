"""Runs one office: Prefect's server with its pages, every deployment registered, and a worker that does the work."""

import signal
from threading import Event
from uuid import UUID

from rich.console import Console

from deployments.credentials import password_file
from deployments.engine import prefect_settings, running_port, start_server, start_worker, use
from tasks.adapters.texts import vietnamese
from tasks.settings import Settings


def serve_home(settings: Settings, *, port: int) -> None:
    """Serve until interrupted; when the home is being served already, say where and do nothing."""
    texts, console = vietnamese(), Console()
    running = running_port(settings.home)
    if running is not None:
        console.print(texts.say("serve.runs_already", url=_url(running)))
        return
    use(prefect_settings(settings.home, port))
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    console.print(texts.say("serve.starting"))
    with start_server(settings.home, port) as server:
        register_all(settings)
        from deployments.registry import WORK_POOL

        with start_worker(settings.home, port, pool=WORK_POOL):
            console.print(texts.say("serve.ready", url=_url(port), home=settings.home.resolve()))
            console.print(texts.say("serve.password", path=password_file(settings.home.resolve())), soft_wrap=True)
            while not stopped.wait(timeout=1) and not server.has_ended:
                continue
        console.print(texts.say("serve.stopped"))


def register_all(settings: Settings) -> dict[str, UUID]:
    """Register every deployment of the home's programmes with the server in use; return their ids by code."""
    from deployments.registry import every_deployment, forget_others, make_work_pool, register
    from tasks.choices import offers_at
    from tasks.runtime import open_runtime

    texts = vietnamese()
    make_work_pool()
    with open_runtime(settings) as runtime:
        now = runtime.clock.now()
        programmes, offers = list(runtime.programmes.values()), offers_at(runtime, now)
    wanted = list(every_deployment(programmes, texts, now.date()))
    forget_others(deployment.name for deployment in wanted)
    return {deployment.code: register(deployment, texts, offers) for deployment in wanted}


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
