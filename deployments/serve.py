"""Runs one office: Prefect's server with its pages, every deployment registered, and a worker that does the work."""

import signal
import socket
from contextlib import ExitStack
from threading import Event
from uuid import UUID

from rich.console import Console

from deployments.credentials import password_file
from deployments.engine import (
    DEFAULT_PORT,
    prefect_settings,
    refuse_an_open_door,
    require_answer,
    running_port,
    start_server,
    start_worker,
    use,
)
from tasks.adapters.texts import vietnamese
from tasks.runners import require_installed
from tasks.settings import PrefectSettings, Settings


def serve_home(settings: Settings, *, port: int, works: bool = True) -> None:
    """Serve until interrupted; when the home is being served already, say where and do nothing.

    With `works` this machine does the work, too; without, other machines have workers.

    Raises:
        EngineMisplacedError: others could reach the server without a password, or it is set in another wrong way.
        SpreadingRefusedError: heavy steps are to be done by what this machine has not installed.
    """
    texts, console = vietnamese(), Console()
    shared = settings.prefect
    refuse_an_open_door(shared)
    if works:
        require_installed(settings.task_runner)
    running = running_port(settings.home, shared)
    if running is not None:
        console.print(texts.say("serve.runs_already", url=_url(running, shared)))
        return
    use(prefect_settings(settings.home, port, shared))
    stopped = _told_to_stop()
    console.print(texts.say("serve.starting"))
    with start_server(settings.home, port, shared) as server:
        register_all(settings)
        from deployments.registry import WORK_POOL

        with ExitStack() as stack:
            if works:
                name = socket.gethostname()
                stack.enter_context(start_worker(settings.home, port, shared, pool=WORK_POOL, name=name))
            console.print(texts.say("serve.ready", url=_url(port, shared), home=settings.home.resolve()))
            if not shared.auth.get_secret_value():
                console.print(texts.say("serve.password", path=password_file(settings.home.resolve())), soft_wrap=True)
            while not stopped.wait(timeout=1) and not server.has_ended:
                continue
        console.print(texts.say("serve.stopped"))


def work_for_server(settings: Settings, *, name: str, limit: int) -> None:
    """Do what the server of several machines has to be done, as processes of this machine, until interrupted.

    Raises:
        EngineMisplacedError: no server is set, or it does not answer.
        OtherReleaseError: the office works with another release or plan than this machine.
        DatabaseRefusedError, FileStoreRefusedError: what the machines share is out of reach from here.
        SpreadingRefusedError: heavy steps are to be done by what this machine has not installed.
    """
    from tasks.runtime import open_runtime

    texts, console = vietnamese(), Console()
    require_installed(settings.task_runner)
    require_answer(settings.prefect)
    with open_runtime(settings):
        pass  # whatever is wrong with this machine is said before it takes any work
    from deployments.registry import WORK_POOL

    stopped = _told_to_stop()
    worker = start_worker(settings.home, DEFAULT_PORT, settings.prefect, pool=WORK_POOL, name=name, limit=limit)
    with worker:
        console.print(texts.say("serve.works", name=name, url=settings.prefect.api_url, home=settings.home.resolve()))
        while not stopped.wait(timeout=1) and not worker.has_ended:
            continue
    console.print(texts.say("serve.worker_stopped"))


def _told_to_stop() -> Event:
    """Return what is set when this process is told to stop."""
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def register_all(settings: Settings) -> dict[str, UUID]:
    """Register every deployment of the home's programmes with the server in use; return their ids by code."""
    from deployments.registry import every_deployment, forget_others, make_work_pool, register
    from tasks.choices import offers_at
    from tasks.runtime import open_runtime

    texts = vietnamese()
    make_work_pool()
    with open_runtime(settings, takes_over=True) as runtime:
        now = runtime.clock.now()
        programmes, offers = list(runtime.programmes.values()), offers_at(runtime, now)
    wanted = list(every_deployment(programmes, texts, now.date()))
    forget_others(deployment.name for deployment in wanted)
    return {deployment.code: register(deployment, texts, offers) for deployment in wanted}


def _url(port: int, shared: PrefectSettings) -> str:
    """Return where a browser finds the pages."""
    return shared.api_url.rstrip("/").removesuffix("/api") or f"http://127.0.0.1:{port}"
