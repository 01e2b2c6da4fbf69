"""Compiles a cycle because an operator wants it now."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.domain.vocabulary import Action, EditionKind
from tasks.compile import compile_cycle
from tasks.handle_duties import Done
from tasks.names import run_name
from tasks.operators import Signature
from tasks.runtime import Runtime


@task(name="compile-now", task_run_name=run_name("compile"), cache_policy=NO_CACHE)
def compile_now(runtime: Runtime, cycle_code: str, kind: EditionKind, *, signature: Signature) -> Done:
    """Compile a cycle as it stands now; where nothing has changed since the last edition nothing is written.

    Raises:
        UnknownCycleError, NoFormError, NothingToCompileError, EditionInThePastError, AggregateMismatchError: as
            `tasks.compile.compile_cycle` says.
    """
    entry = signature.entry(Action.COMPILE_NOW, cycle_code, kind=kind.value)
    compiled = compile_cycle(runtime, cycle_code, signature.at, kind, entry=entry)
    return Done(action=Action.COMPILE_NOW, n_changed=int(compiled.is_new), cycle_codes=(cycle_code,))
