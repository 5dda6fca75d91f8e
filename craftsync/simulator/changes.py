"""What may be done to a world: by the platform's users through the API, and by a tester."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from craftsync.simulator.blueprints import DeploymentPlan, Mode, PipelinePlan, Port
from craftsync.simulator.estate import Deployment, Pipeline, build_deployment, build_pipeline
from craftsync.simulator.execution_changes import ExecutionChanges, locked
from craftsync.simulator.history import Deletion


class Changes(ExecutionChanges):
    """Add, change, delete pipelines and deployments and make them again; any name will do."""

    @locked
    def add_pipeline(
        self,
        name: str,
        *,
        inputs: Sequence[Port] = (Port("x", "number"),),
        outputs: Sequence[Port] = (Port("y", "number"),),
        created_at: datetime | None = None,
        plan: PipelinePlan | None = None,
        **overrides: Any,
    ) -> Pipeline:
        """Build a pipeline; `overrides` are laid over its payloads (list entry and detail)."""
        history = self.history
        if name in history.pipelines:
            raise ValueError(f"There is a pipeline {name} already.")
        plan = plan or PipelinePlan(name=name, inputs=tuple(inputs), outputs=tuple(outputs))
        pipeline = build_pipeline(
            plan,
            seed=history.seed,
            created_ms=self._ms(created_at),
            position=len(history.pipelines) + len(history.former_pipelines),
            password=history.secrets.repository_password,
        )
        pipeline.patch.update(overrides)
        history.pipelines[name] = pipeline
        history.touch(name)
        return pipeline

    @locked
    def add_deployment(
        self,
        name: str,
        pipeline: str,
        *,
        rule: Literal["endpoint", "periodic"] = "endpoint",
        mode: Mode = "elastic",
        every: timedelta | None = None,
        created_at: datetime | None = None,
        plan: DeploymentPlan | None = None,
        **overrides: Any,
    ) -> Deployment:
        """Make a deployment; `every` lets executions come by themselves from now on.

        Without `every` it has only those given to `add_execution` or triggered. `overrides` are
        laid over its payloads.
        """
        history = self.history
        if name in history.deployments:
            raise ValueError(f"There is a deployment {name} already.")
        every_s = int(every.total_seconds()) if every else 86_400
        plan = plan or DeploymentPlan(
            name=name, pipeline=pipeline, rule=rule, mode=mode, every_s=every_s, weight=0
        )
        deployment = build_deployment(
            plan,
            history.pipelines[pipeline],
            seed=history.seed,
            created_ms=self._ms(created_at),
            every_s=every_s,
        )
        deployment.patch.update(overrides)
        history.deployments[name] = deployment
        if every is not None:
            history.open_stream(
                deployment.pipeline,
                deployment,
                start_ms=self._ms(None),
                gap_ms=every // timedelta(milliseconds=1),
            )
        return deployment

    @locked
    def mutate_deployment(self, name: str, **changes: Any) -> None:
        """Lay keys over a deployment's payloads and move its `updated_at`."""
        deployment = self.history.deployments[name]
        deployment.patch.update(changes)
        deployment.updated_ms = self._ms(None)

    @locked
    def mutate_pipeline(self, name: str, **changes: Any) -> None:
        """Lay keys over a pipeline's payloads."""
        self.history.pipelines[name].patch.update(changes)

    @locked
    def delete_deployment(self, name: str) -> Deployment:
        """Delete a deployment with all its executions."""
        history = self.history
        deployment = history.deployments.pop(name)
        now_ms = deployment.gone_ms = self._ms(None)
        history.former_deployments.append(deployment)
        for stream in history.streams[deployment.pipeline.name]:
            if stream.deployment is deployment:
                stream.gone_ms = now_ms
        for incarnations in history.singles[deployment.pipeline.name].values():
            for run in incarnations:
                if run.deployment is deployment and run.gone_ms is None:
                    run.gone_ms = now_ms
        history.deletions.append(Deletion("deployment", name, deployment.created_ms, now_ms))
        history.touch(deployment.pipeline.name)
        return deployment

    @locked
    def delete_pipeline(self, name: str) -> list[Deployment]:
        """Delete a pipeline with its deployments and all executions; give the deployments."""
        history = self.history
        taken = [
            self.delete_deployment(deployment.name)
            for deployment in list(history.deployments.values())
            if deployment.pipeline.name == name
        ]
        pipeline = history.pipelines.pop(name)
        now_ms = pipeline.gone_ms = self._ms(None)
        history.former_pipelines.append(pipeline)
        for stream in history.streams[name]:
            stream.gone_ms = now_ms if stream.gone_ms is None else stream.gone_ms
        for incarnations in history.singles[name].values():
            for run in incarnations:
                run.gone_ms = now_ms if run.gone_ms is None else run.gone_ms
        history.deletions.append(Deletion("pipeline", name, pipeline.created_ms, now_ms))
        history.touch(name)
        return taken

    @locked
    def recreate_deployment(self, name: str, *, every: timedelta | None = None) -> Deployment:
        """Delete a deployment and make it again under its name, as people do to update one."""
        old = self.delete_deployment(name)
        return self.add_deployment(name, old.pipeline.name, plan=old.plan, every=every)

    @locked
    def recreate_pipeline(self, name: str) -> Pipeline:
        """Delete a pipeline and build it again under its name; its history starts anew."""
        plan = self.history.pipelines[name].plan
        self.delete_pipeline(name)
        return self.add_pipeline(name, plan=plan)
