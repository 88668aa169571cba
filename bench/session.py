"""One benchmark run from its plan: proofs, bounds, then trials, each stored as it ends. Ctrl-C keeps what is done."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench.budget import PATIENCE, Budget, widest
from bench.engines import ENGINES
from bench.files import Files
from bench.launch import ARGUMENTS, Worker, WorkerFailed, WorkerLate, environment, outer_environment, telling
from bench.progress import BOUNDS_S, PROOF_S, Pace, Progress, Step, silent
from bench.protocol import Contestant, Plan, Planned, Proving
from bench.proving import Argv, prove
from bench.resume import Past, headline
from bench.summary import Summary
from warehouse.raw import Run

_PATIENCE_OF_PROOFS = 4
"""PATIENCE for them: what they are expected to take has more room in it than a launch's guess."""


class Session:
    """Does what is left of a plan and stores it in the raw archive as rows of the run that the plan began in."""

    def __init__(
        self,
        archive_run: Run,
        plan: Plan,
        files: Files,
        circumstances: Mapping[str, Any],
        *,
        told: Mapping[str, Any] | None = None,
        past: Past | None = None,
        argv: Argv | None = None,
        progress: Progress = silent,
    ) -> None:
        self._run, self._plan, self._files, self._circumstances = archive_run, plan, files, circumstances
        self._argv, self._progress, self._told = argv or {}, progress, told or {}
        run_id = past.run_id if past else archive_run.run_id
        self.summary = Summary(run_id, str(circumstances["device_id"]))
        self._is_new = past is None
        self._past = past or Past(run_id, plan)
        self._pace = Pace(plan.protocol)
        self._values: dict[Contestant, list[float]] = {}
        self._refused: set[Proving] = set()
        self._number = self._done = 0
        self._budget = Budget(plan.protocol.budget_s, plan.protocol.timeout_s)
        self._budget.add(self._past.spent_s)
        for one in self._past.finished:
            self._note(one.trial, one.value, one.took_s)
        self._todo = [trial for trial in plan.trials if trial not in self._past.trials]
        self._in_any_case = [trial for stage in plan.stages[:1] for trial in stage if trial.launch == stage[0].launch]

    def run(self) -> Summary:
        """Prove, measure the bounds, and do the trials that are left; returns early after Ctrl-C."""
        protocol = self._plan.protocol
        self._store("device", self._circumstances)
        if self._is_new:
            self._store("plan", {**self._plan.as_json(), **self._told})
        try:
            self._prove()
            if not protocol.budget_s or protocol.fill:
                self._bounds(PATIENCE * BOUNDS_S)
            for number, stage in enumerate(self._plan.stages):
                self._stage(number, stage)
            if protocol.fill:
                self._fill()
            if self._budget.fits(BOUNDS_S):
                self._bounds(BOUNDS_S)
        except KeyboardInterrupt:
            self.summary.stopped = True
            self.summary.left = len(self._todo)
            self._run.left = f"stopped by the user; {len(self._todo)} trials left"
            return self.summary
        self._show("done")
        return self.summary

    def _prove(self) -> None:
        """Prove what the plan is about to time; what is not proved is not timed."""
        for proving, proof in self._past.proofs.items():
            self._judge(proving, proof)
        open_ones = [one for one in self._plan.proofs if one not in self._past.proofs]
        self._show("proofs of identity")
        about = self._plan.conditions
        proofs = prove(
            open_ones,
            self._files.proving,
            device_kind=about.device,
            seed=about.seed,
            patience=self._patience_of_proofs,
            argv=self._argv,
        )
        for proving, proof in proofs:
            self._store(f"parity:{proving.engine}", {**proof, "data_sha256": self._files.proving_sha256})
            self._judge(proving, proof)
            self._show("proofs of identity")

    def _patience_of_proofs(self, together: Sequence[Proving]) -> float:
        """Return how long these are waited for: all are made in any case, and then the first round."""
        expected = max(self._proof_s(one) for one in together)
        others = [one for one in self._plan.proofs if one not in self.summary.proved and one not in together]
        # Two at least are made at once.
        after_s = sum(map(self._proof_s, others)) / 2 + self._kept_s(self._in_any_case)
        return self._budget.limit(least_s=_PATIENCE_OF_PROOFS * expected, after_s=after_s)

    def _proof_s(self, proving: Proving) -> float:
        """Return what a proof is expected to take: no less than a launch, which compiles likewise."""
        return max(PROOF_S, self._pace.expected(self._next(Contestant(*proving))))

    def _judge(self, proving: Proving, proof: Mapping[str, Any]) -> None:
        self.summary.proved[proving] = bool(proof.get("proved"))
        if self.summary.proved[proving]:
            return
        self._refuse(proving)
        name = " ".join(word for word in (proving.engine, proving.mode, proving.tuning, proving.stack) if word)
        reason = proof.get("error") or f"{name}: not the reference network, so not timed: {proof['faults'][0]}"
        self.summary.failures.append(str(reason))

    def _refuse(self, proving: Proving) -> None:
        self._refused.add(proving)
        self._todo = [trial for trial in self._todo if trial.contestant.proving != proving]

    def _bounds(self, least_s: float) -> None:
        """Measure what the machine could do at this number of threads; without it there is no share of peak.

        It has `least_s` seconds, even when the budget ends before.
        """
        if self._past.has_bounds or not self._plan.protocol.bounds:
            return
        self._past.has_bounds = True
        self._show("what the machine can do")
        threads, folder = self._plan.conditions.threads, self._files.folder
        request = {"kind": "bounds", "threads": threads, "folder": str(self._files.bounds)}
        variables = environment(None, "stock", folder, outer_environment())
        began = time.monotonic()
        try:
            with Worker("bounds", request, folder, variables) as worker:
                answer = worker.result(self._budget.limit(least_s=least_s))
        except WorkerFailed as error:
            self.summary.notes.append(f"no bounds: {error}")
            answer = {"error": str(error)}
        self._store("bounds", {"threads": threads, **answer, "took_s": _since(began)})

    def _stage(self, number: int, stage: Sequence[Planned]) -> None:
        """Do a stage's trials that are left, round by round.

        With a budget, a later stage begins only if all of it, a later round only if that round, and a launch only if
        it too, is expected to end in time. The first round is done in any case.
        """
        left = self._open(stage)
        names = ", ".join(sorted({f"{one.contestant.track} {one.contestant.tuning}" for one in left}))
        if number and not self._fits(left):
            self._leave_out(left, f"{names} left out for lack of time; `dlpulse bench run` measures it")
        launches = list(dict.fromkeys(trial.launch for trial in stage))
        for done, launch in enumerate(launches):
            trials = self._open([trial for trial in stage if trial.launch == launch])
            note = f"{names}: {done} of {len(launches)} launches only: this machine is slow or busy now"
            if done and not self._fits(trials):
                self._leave_out(self._open(stage), note)
            for trial in trials:
                if (number or done) and not self._may_begin(trial):
                    self._leave_out(self._open(stage), note)
                if trial in self._todo:  # its engine may have failed meanwhile
                    self._trial(trial)

    def _open(self, trials: Sequence[Planned]) -> list[Planned]:
        return [trial for trial in trials if trial in self._todo]

    def _fits(self, trials: Sequence[Planned]) -> bool:
        return self._budget.fits(self._pace.total(trials))

    def _may_begin(self, trial: Planned) -> bool:
        """Tell whether there is time left, and no less than the launch is expected to take before it would be ended."""
        return self._fits([]) and self._pace.expected(trial) <= self._budget.limit()

    def _patience(self, trial: Planned) -> float:
        """Return how long a launch is waited for; one that is made in any case leaves time for the others."""
        if trial not in self._in_any_case:
            return self._budget.limit()
        proving = trial.contestant.proving  # what hangs is not launched again, nor is its control
        rest = [one for one in self._in_any_case if one.contestant.proving != proving]
        return self._budget.limit(least_s=self._hanging_s(trial), after_s=self._kept_s(rest))

    def _kept_s(self, trials: Sequence[Planned]) -> float:
        """Return the time kept for those of the trials that are left: twice the expected, which may be a guess."""
        return 2 * self._pace.total(self._open(trials))

    def _hanging_s(self, trial: Planned) -> float:
        return PATIENCE * self._pace.expected(trial)

    def _leave_out(self, trials: Sequence[Planned], note: str) -> None:
        if trials:
            self.summary.notes.append(note)
            self._todo = [trial for trial in self._todo if trial not in trials]

    def _fill(self) -> None:
        """Spend what is left of the budget where the headline metric is known least well."""
        last: Contestant | None = None
        while True:
            open_ones = {one: values for one, values in self._values.items() if one.proving not in self._refused}
            seconds = {one: self._pace.expected(self._next(one)) for one in open_ones}
            last = widest(open_ones, seconds, self._budget.left_s, last)
            if last is None:
                return
            self._trial(self._next(last))

    def _next(self, contestant: Contestant) -> Planned:
        return self._plan.beyond(contestant, len(self._values.get(contestant, ())))

    def _trial(self, trial: Planned) -> None:
        """Run one trial, once more if it fails and there is time; what fails again is not asked any more.

        What the budget ended before it could be called hung has not failed.
        """
        body = self._attempt(trial)
        again_s = max(body["took_s"], self._pace.expected(trial))  # what hung may hang again
        if "error" in body and self._budget.fits(again_s):
            self.summary.notes.append(f"{body['error']}; tried once more")
            body = self._attempt(trial)
        if trial in self._todo:
            self._todo.remove(trial)
        if body.get("out_of_time"):
            self.summary.notes.append(f"{body['error']}, as the budget was spent")
        elif "error" in body or not body["learned"]:
            self._refuse(trial.contestant.proving)
            unlearned = f"{trial.contestant.title}: did not learn (accuracy {body.get('accuracy')}); no result"
            self.summary.failures.append(str(body.get("error", unlearned)))
        else:
            value = headline(body, self._plan.protocol.batch_sizes[0])
            self._note(trial, value, body["took_s"])

    def _attempt(self, trial: Planned) -> dict[str, Any]:
        """Launch it and store what comes of it."""
        self._show(trial.title)
        began = time.monotonic()
        body = self._measure(trial)
        body["took_s"] = _since(began)
        self._store(f"trial:{trial.contestant.engine}", body)
        return body

    def _note(self, trial: Planned, value: float | None, took_s: float) -> None:
        """Keep what a finished trial says for those to come."""
        self.summary.trials += 1
        self._done += 1
        self._pace.add(trial, took_s)
        if value is not None and trial.contestant.kind == "throughput":
            self._values.setdefault(trial.contestant, []).append(value)

    def _measure(self, trial: Planned) -> dict[str, Any]:
        spec = ENGINES[trial.contestant.engine]
        conditions, folder = self._plan.conditions, self._files.folder
        job = trial.job(self._plan.protocol, conditions)
        variables = environment(spec, job.tuning, folder, outer_environment(), device=job.device)
        argv = self._argv.get(job.stack, ())
        self._number += 1
        body = {
            **{("trial_kind" if name == "kind" else name): value for name, value in asdict(job).items()},
            "trial_id": f"{self._run.run_id}-t{self._number:03d}",
            "framework_id": spec.framework_id,
            "dataset": conditions.dataset,
            "data_sha256": conditions.data_sha256,
            "launch": trial.launch,
            "argv": list(ARGUMENTS if not argv else argv[1:-1]),  # the rest are paths
            "environment": telling(variables),
            "started_at": self._run.clock().isoformat(),
        }
        path = self._files.whole if job.kind == "learning" else self._files.sample
        request = {"kind": "trial", "job": asdict(job), "data": str(path)}
        patience = self._patience(trial)
        try:
            with Worker(spec.name, request, folder, variables, argv) as worker:
                return {**body, **worker.result(patience)}
        except WorkerLate as error:
            hung = patience >= min(self._hanging_s(trial), self._plan.protocol.timeout_s)
            return {**body, "error": str(error), "out_of_time": not hung}
        except WorkerFailed as error:
            return {**body, "error": str(error)}

    def _store(self, subject: str, body: Mapping[str, Any]) -> None:
        about = {"device_id": self.summary.device_id, "bench_run": self.summary.run_id}
        content = {**about, **body, "kind": subject.partition(":")[0]}
        self._run.write(subject, json.dumps(content, sort_keys=True).encode())

    def _show(self, title: str) -> None:
        """Tell the progress; a budget ends the remaining time where it is the shorter."""
        protocol = self._plan.protocol
        remaining = self._pace.total(self._todo)
        if len(self.summary.proved) < len(self._plan.proofs):
            remaining += PROOF_S * (len(self._plan.proofs) - len(self.summary.proved)) / 2
        if protocol.budget_s is not None:
            remaining = self._budget.left_s if protocol.fill else min(remaining, self._budget.left_s)
        self._progress(Step(self._done, self._done + len(self._todo), title, self._budget.elapsed_s, remaining))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
