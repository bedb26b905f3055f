"""Injects the faults of the plan, continues frozen processes, and restarts ended ones."""

from __future__ import annotations

import heapq
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from rollback_portal.local.redis import wait_for_redis
from rollback_portal.processes.supervised import Process, wait_until
from tests.chaos import plan
from tests.chaos.plan import Fault
from tests.chaos.processes import Processes

RESPAWN_AFTER = 0.5  # seconds, as a supervisor takes them


class Injector:
    """Works through the plan; called again and again from the main thread."""

    def __init__(
        self,
        processes: Processes,
        faults: list[Fault],
        *,
        storm: Callable[[int], None],
        cut_locks: Callable[[], None],
    ) -> None:
        self.processes = processes
        self.faults = faults
        self.storm = storm
        self.cut_locks = cut_locks
        self.done: dict[str, int] = {}
        self.cuts: dict[str, int] = {}
        self.frozen: set[int] = set()
        self.later: list[tuple[float, int, Callable[[], None]]] = []
        self.number = count()
        self.queue_is_down = False

    def step(self, now: float) -> bool:
        """Do what is due `now` (seconds since the load began); return True if a fault was injected."""
        while self.later and self.later[0][0] <= now:
            heapq.heappop(self.later)[2]()
        self.processes.respawn_due(RESPAWN_AFTER)
        return self._next_fault(now) or self._cut_since()

    def _next_fault(self, now: float) -> bool:
        if not self.faults or self.faults[0].at > now:
            return False
        fault = self.faults.pop(0)
        if self._inject(fault, now):
            self.done[fault.kind] = self.done.get(fault.kind, 0) + 1
            return True
        return False

    def _cut_since(self) -> bool:
        """Return whether the proxy has cut another commit since the last call."""
        before, now = sum(self.cuts.values()), self.processes.cuts()
        self.cuts = now
        return sum(now.values()) > before

    def calm(self) -> None:
        """End all faults that are still active."""
        self.faults = []
        self.processes.stop_cutting()
        for _, _, act in sorted(self.later, key=lambda entry: entry[:2]):
            act()
        self.later = []
        self.processes.respawn()
        wait_until(self.processes.provider_answers, 40, pause=0.1)

    def _inject(self, fault: Fault, now: float) -> bool:
        actions: dict[str, Callable[[Fault, float], bool]] = {
            plan.WORKER_KILLED: self._kill_worker,
            plan.CHILD_KILLED: self._kill_child,
            plan.WORKER_FROZEN: self._freeze_worker,
            plan.WORKER_CUT_OFF: self._cut_worker_off,
            plan.DISPATCHER_KILLED: self._kill_dispatcher,
            plan.QUEUE_KILLED: self._kill_queue,
            plan.QUEUE_WIPED: self._kill_queue,
            plan.QUEUE_FROZEN: self._freeze_queue,
            plan.DATABASE_RESTARTED: self._restart_database,
            plan.LOCKS_CUT: self._cut_locks,
            plan.STORM: self._storm,
            plan.WEB_KILLED: self._kill_web,
            plan.PROVIDER_FROZEN: self._freeze_provider,
            plan.PROVIDER_KILLED: self._kill_provider,
        }
        return actions[fault.kind](fault, now)

    def _after(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.later, (at, next(self.number), act))

    # --- workers and dispatchers ---

    def _kill_worker(self, fault: Fault, now: float) -> bool:
        return self._kill(self.processes.workers, fault)

    def _kill_dispatcher(self, fault: Fault, now: float) -> bool:
        return self._kill(self.processes.dispatchers, fault)

    def _kill(self, processes: list[Process], fault: Fault) -> bool:
        up = [process for process in processes if process.popen and process.is_running]
        up = [process for process in up if process.popen and process.popen.pid not in self.frozen]
        if not up:
            return False
        up[fault.which % len(up)].kill()
        return True

    def _kill_child(self, fault: Fault, now: float) -> bool:
        """Kill one child of the prefork worker; the parent replaces it."""
        parent = self.processes.workers[-1].popen
        if parent is None or parent.poll() is not None:
            return False
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, text=True, check=False
        )
        children = [int(pid) for pid in listed.stdout.split()]
        if not children:
            return False
        os.kill(children[fault.which % len(children)], signal.SIGKILL)
        return True

    def _freeze_worker(self, fault: Fault, now: float) -> bool:
        return self._freeze(self.processes.workers[fault.which % len(self.processes.workers)], fault, now)

    def _cut_worker_off(self, fault: Fault, now: float) -> bool:
        """Freeze a worker and end its session lock: only its lease and its deadline are left."""
        if not self._freeze_worker(fault, now):
            return False
        self._after(now + 1.0, self.cut_locks)
        return True

    def _freeze(self, process: Process, fault: Fault, now: float) -> bool:
        if process.popen is None or not process.is_running or process.popen.pid in self.frozen:
            return False
        group = process.popen.pid
        os.killpg(group, signal.SIGSTOP)
        self.frozen.add(group)
        self._after(now + fault.seconds, lambda: self._thaw(group))
        return True

    def _thaw(self, group: int) -> None:
        self.frozen.discard(group)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGCONT)

    # --- the web server and the provider ---

    def _kill_web(self, fault: Fault, now: float) -> bool:
        return self._kill([self.processes.web] if self.processes.web else [], fault)

    def _freeze_provider(self, fault: Fault, now: float) -> bool:
        return self._freeze(self.processes.provider, fault, now)

    def _kill_provider(self, fault: Fault, now: float) -> bool:
        """It saves its state to a file at each change, before the answer, so nothing it has done is lost."""
        if not self._kill([self.processes.provider], fault):
            return False
        self._after(now + fault.seconds, self.processes.provider.start)
        return True

    # --- Redis and PostgreSQL ---

    def _kill_queue(self, fault: Fault, now: float) -> bool:
        if self.queue_is_down:
            return False
        self.processes.kill_queue(wipe=fault.kind == plan.QUEUE_WIPED)
        self.queue_is_down = True
        self._after(now + fault.seconds, self._start_queue)
        return True

    def _start_queue(self) -> None:
        self.processes.start_queue()
        self.queue_is_down = False

    def _freeze_queue(self, fault: Fault, now: float) -> bool:
        if self.queue_is_down or self.processes.queue.popen is None:
            return False
        self.queue_is_down = True
        queue = self.processes.queue
        os.kill(self.processes.queue.popen.pid, signal.SIGSTOP)

        def thaw() -> None:
            assert queue.popen is not None
            os.kill(queue.popen.pid, signal.SIGCONT)
            self.queue_is_down = False
            wait_for_redis(queue, self.processes.sockets)

        self._after(now + fault.seconds, thaw)
        return True

    def _restart_database(self, fault: Fault, now: float) -> bool:
        self.processes.restart_database()
        return True

    def _cut_locks(self, fault: Fault, now: float) -> bool:
        """Cut only the connections of the liveness locks, as a firewall cuts idle connections.

        Then publish all active changes again: only the lease keeps a second worker out.
        """
        self.cut_locks()
        if not self.queue_is_down:
            self.storm(2)
        return True

    def _storm(self, fault: Fault, now: float) -> bool:
        if self.queue_is_down:
            return False
        self.storm(8)
        return True
