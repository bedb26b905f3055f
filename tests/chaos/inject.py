"""Does to the processes what the plan says, thaws what it froze, and starts again what it ended."""

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
from tests.chaos.estate import Estate
from tests.chaos.plan import Fault

RESPAWN_AFTER = 0.5  # seconds, as a supervisor takes them


class Injector:
    """Works through the plan from the main thread, second by second."""

    def __init__(
        self,
        estate: Estate,
        faults: list[Fault],
        *,
        storm: Callable[[int], None],
        cut_locks: Callable[[], None],
    ) -> None:
        self.estate = estate
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
        """Do what is due `now`, in seconds from the start of the load; True where a fault was injected."""
        while self.later and self.later[0][0] <= now:
            heapq.heappop(self.later)[2]()
        self.estate.respawn_due(RESPAWN_AFTER)
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
        """Whether another commit was cut meanwhile; the proxy does that by itself."""
        before, now = sum(self.cuts.values()), self.estate.cuts()
        self.cuts = now
        return sum(now.values()) > before

    def calm(self) -> None:
        """Undo everything that is still broken."""
        self.faults = []
        self.estate.stop_cutting()
        for _, _, act in sorted(self.later, key=lambda each: each[:2]):
            act()
        self.later = []
        self.estate.respawn()
        wait_until(self.estate.provider_answers, 40, pause=0.1)

    def _inject(self, fault: Fault, now: float) -> bool:
        can_execute: dict[str, Callable[[Fault, float], bool]] = {
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
        return can_execute[fault.kind](fault, now)

    def _after(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.later, (at, next(self.number), act))

    # --- workers and dispatchers ---

    def _kill_worker(self, fault: Fault, now: float) -> bool:
        return self._kill(self.estate.workers, fault)

    def _kill_dispatcher(self, fault: Fault, now: float) -> bool:
        return self._kill(self.estate.dispatchers, fault)

    def _kill(self, processes: list[Process], fault: Fault) -> bool:
        up = [each for each in processes if each.popen and each.is_running]
        up = [each for each in up if each.popen and each.popen.pid not in self.frozen]
        if not up:
            return False
        up[fault.which % len(up)].kill()
        return True

    def _kill_child(self, fault: Fault, now: float) -> bool:
        """One child of the worker that has children; the parent lives on and replaces it."""
        parent = self.estate.workers[-1].popen
        if parent is None or parent.poll() is not None:
            return False
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, text=True, check=False
        )
        children = [int(pid) for pid in found.stdout.split()]
        if not children:
            return False
        os.kill(children[fault.which % len(children)], signal.SIGKILL)
        return True

    def _freeze_worker(self, fault: Fault, now: float) -> bool:
        return self._freeze(self.estate.workers[fault.which % len(self.estate.workers)], fault, now)

    def _cut_worker_off(self, fault: Fault, now: float) -> bool:
        """Frozen, and its session lock is lost meanwhile: the lease and the deadline are all that is left."""
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
        return self._kill([self.estate.web] if self.estate.web else [], fault)

    def _freeze_provider(self, fault: Fault, now: float) -> bool:
        return self._freeze(self.estate.provider, fault, now)

    def _kill_provider(self, fault: Fault, now: float) -> bool:
        """Its world is kept in a file at each change, before the answer: what it has done stays done."""
        if not self._kill([self.estate.provider], fault):
            return False
        self._after(now + fault.seconds, self.estate.provider.start)
        return True

    # --- Redis and PostgreSQL ---

    def _kill_queue(self, fault: Fault, now: float) -> bool:
        if self.queue_is_down:
            return False
        self.estate.kill_queue(wipe=fault.kind == plan.QUEUE_WIPED)
        self.queue_is_down = True
        self._after(now + fault.seconds, self._start_queue)
        return True

    def _start_queue(self) -> None:
        self.estate.start_queue()
        self.queue_is_down = False

    def _freeze_queue(self, fault: Fault, now: float) -> bool:
        if self.queue_is_down or self.estate.queue.popen is None:
            return False
        self.queue_is_down = True
        queue = self.estate.queue
        os.kill(self.estate.queue.popen.pid, signal.SIGSTOP)

        def thaw() -> None:
            assert queue.popen is not None
            os.kill(queue.popen.pid, signal.SIGCONT)
            self.queue_is_down = False
            wait_for_redis(queue, self.estate.sockets)

        self._after(now + fault.seconds, thaw)
        return True

    def _restart_database(self, fault: Fault, now: float) -> bool:
        self.estate.restart_database()
        return True

    def _cut_locks(self, fault: Fault, now: float) -> bool:
        """What a firewall does to connections that say nothing for long: only the locks' own are cut.

        Then everybody is called to work on what is under way: nothing but the lease keeps them out.
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
