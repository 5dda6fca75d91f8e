"""The public relations of what stands upstream: environments, pipelines, deployments."""

from craftsync.store.relation import (
    Relation,
    Source,
    boolean,
    instant,
    json,
    text,
)

SEEN = "coalesce({0}.last_seen_at, case when s.last_complete_at > {0}.first_seen_at" + (
    " then s.last_complete_at else {0}.first_seen_at end)"
)
_LATER = (
    "coalesce((select min(o.created_at) from deployment o"
    " where o.environment_key = d.environment_key and o.name = d.name"
    " and o.created_at > d.created_at), '9999-12-31T23:59:59.999999Z')"
)
_LAST_EXECUTION = (
    "(select x.execution_id from execution x where x.environment_key = d.environment_key"
    " and x.deployment_name = d.name and x.created_at >= d.created_at"
    f" and x.created_at < {_LATER} order by x.created_at desc, x.execution_id desc limit 1)"
)


def _listed(table: str, alias: str, kind: str) -> str:
    return (
        f"{table} {alias} join environment n on n.key = {alias}.environment_key"
        f" left join scope s on s.environment_key = {alias}.environment_key"
        f" and s.kind = '{kind}' and s.name = ''"
    )


ENVIRONMENTS = Relation(
    name="environments",
    about="The environments of the platform that are mirrored.",
    fields={
        "environment": text("n.name", "The name given to it in the settings."),
        "url": text("n.url", "Where it is."),
        "upstream_id": text("n.upstream_id", "The platform's id of it."),
        "first_synced_at": instant("n.first_synced_at", "Start of the first run."),
        "last_synced_at": instant("n.last_synced_at", "Start of the last complete run."),
    },
    sources=(Source("environment n"),),
    order=("environment",),
)

PIPELINES = Relation(
    name="pipelines",
    about="Pipelines; a name deleted and made again gives two rows.",
    fields={
        "environment": text("n.name", "The environment's name."),
        "pipeline_name": text("p.name", "The pipeline's name."),
        "created_at": instant("p.created_at", "When the platform made it."),
        "status": text("p.status", "The platform's word, verbatim."),
        "first_seen_at": instant("p.first_seen_at", "Start of the run that first saw it."),
        "last_seen_at": instant(SEEN.format("p"), "Start of the last listing that had it."),
        "gone_at": instant("p.gone_at", "When its absence was confirmed; NULL while there."),
    },
    sources=(Source(_listed("pipeline", "p", "pipelines")),),
    order=("environment", "pipeline_name", "created_at"),
    carrier="p",
)

DEPLOYMENTS = Relation(
    name="deployments",
    about="Deployments; a name deleted and made again gives two rows.",
    fields={
        "environment": text("n.name", "The environment's name."),
        "deployment_name": text("d.name", "The deployment's name."),
        "created_at": instant("d.created_at", "When the platform made it."),
        "pipeline_name": text("d.pipeline_name", "The pipeline it runs."),
        "execution_rule": text("d.execution_rule", "What starts it."),
        "mode": text("d.mode", "Elastic or low latency."),
        "is_enabled": boolean("d.is_enabled", "Whether it may run."),
        "status": text("d.status", "The platform's word, verbatim."),
        "schedule": text("d.schedule", "A cron expression in UTC, for a periodic one."),
        "human_readable_schedule": text("d.human_readable_schedule", "The same in words."),
        "endpoint_url_path": text("d.endpoint_url_path", "The path of its endpoint."),
        "endpoint_token_fingerprint": text(
            "d.endpoint_token_fingerprint", "Changes when the endpoint's token does."
        ),
        "description": text("d.description", "What its maker wrote."),
        "created_by": text("d.created_by", "Who made it."),
        "updated_at": instant("d.updated_at", "When it was last changed upstream."),
        "updated_by": text("d.updated_by", "Who changed it last."),
        "last_execution_id": text(_LAST_EXECUTION, "Its newest execution, gone ones included."),
        "inputs_mapping": json("d.inputs_mapping", "Where its inputs come from."),
        "outputs_mapping": json("d.outputs_mapping", "Where its outputs go."),
        "pods": json("d.pods", "The pods of a low-latency one."),
        "first_seen_at": instant("d.first_seen_at", "Start of the run that first saw it."),
        "last_seen_at": instant(SEEN.format("d"), "Start of the last listing that had it."),
        "gone_at": instant("d.gone_at", "When its absence was confirmed; NULL while there."),
    },
    sources=(Source(_listed("deployment", "d", "deployments")),),
    order=("environment", "deployment_name", "created_at"),
    carrier="d",
)

DEPLOYMENT_VERSIONS = Relation(
    name="deployment_versions",
    about="What each deployment was set to, and when: one row a change of its settings.",
    fields={
        "environment": text("n.name", "The environment's name."),
        "deployment_name": text("d.name", "The deployment's name."),
        "deployment_created_at": instant("d.created_at", "Which incarnation."),
        "valid_from": instant("v.valid_from", "From when on it was set so, as far as known."),
        "valid_to": instant("v.valid_to", "Until when; NULL for the current one."),
        "settings": json("v.settings", "Its settings, without what changes by itself."),
        "changed": json("v.changed", "The keys that differ from the version before."),
    },
    sources=(
        Source(
            "deployment d join environment n on n.key = d.environment_key"
            " join deployment_version v on v.deployment_key = d.key"
        ),
    ),
    order=("environment", "deployment_name", "deployment_created_at", "valid_from"),
    carrier="d",
)
