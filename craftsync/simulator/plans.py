"""The estate on paper: twelve pipelines and ten deployments that together show every shape.

All mapping types, data types, rules, modes and origins are here; so is a pipeline that never ran,
one that is only ever run by hand, a deployment that was switched off, a secret that the code
echoes, and a repository URL that carries a password.
"""

from craftsync.simulator.blueprints import DeploymentPlan, PipelinePlan, Port

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400

ENVIRONMENT_VARIABLES = ("IRIS_BUCKET", "BILLING_API_KEY", "FRAUD_DB_URL", "OCR_LICENCE")

PIPELINES = (
    PipelinePlan(
        name="iris-train",
        description="Train the iris model",
        inputs=(
            Port("dataset", "file", "datastore", "datasets/iris.csv"),
            Port("learning_rate", "number", "constant", 0.05),
            Port("seed", "number", "endpoint", 42, required=False, default=0),
            Port("note", "string", "is_null", required=False),
        ),
        outputs=(
            Port("model", "file", "datastore", "models/{execution_id}.bin"),
            Port("f1", "number"),
            Port("confusion", "json"),
        ),
        typical_run_s=240,
        grows=True,
        metrics=("f1", "loss"),
        list_metrics=("loss_curve",),
        runs_weight=3,
    ),
    PipelinePlan(
        name="fraud-detect",
        inputs=(
            Port("amount", "number"),
            Port("merchant", "string"),
            Port("trusted", "boolean", required=False, default=False),
            Port("db_url", "string", "environment_variable", "FRAUD_DB_URL"),
            Port("threshold", "number", "constant", 0),
            Port("context", "json", required=False),
        ),
        outputs=(
            Port("score", "number"),
            Port("is_fraud", "boolean"),
            Port("reasons", "array"),
        ),
        typical_run_s=150,
        queue_s=41,  # longer than the time between two calls: one is always pending
        logs_stream=True,
        runs_weight=1,
    ),
    PipelinePlan(
        name="sandbox-notebook",
        description="Try things out",
        inputs=(Port("question", "string"), Port("attachment", "file", required=False)),
        outputs=(Port("answer", "string"), Port("table", "file")),
        origin="local",
        runs_weight=6,
        runs_every_s=HOUR_S,
        typical_run_s=90,
    ),
    PipelinePlan(name="never-run", description="Built and forgotten"),
    PipelinePlan(
        name="iris-predict",
        inputs=(
            Port("petal", "number"),
            Port("photo", "file"),
            Port("bucket", "string", "environment_variable", "IRIS_BUCKET"),
            Port("model", "file", "datastore", "models/iris.joblib"),
        ),
        outputs=(
            Port("label", "string"),
            Port("probabilities", "array"),
            Port("report", "file", "datastore", "reports/{execution_id}.html"),
        ),
        typical_run_s=12,
    ),
    PipelinePlan(
        name="billing-export",
        description="Send the day's bills",
        inputs=(
            Port("api_key", "string", "environment_variable", "BILLING_API_KEY"),
            Port("currency", "string", "constant", "EUR"),
            Port("dry_run", "boolean", "constant", target=False),
        ),
        outputs=(Port("summary", "string"), Port("bills.csv", "file")),
        repository_url="https://ci-robot:{password}@git.example.org/team/billing-export.git",
        typical_run_s=45,
        runs_weight=2,
        logs_stream=True,
    ),
    PipelinePlan(
        name="churn-score",
        inputs=(
            Port("customers.csv", "file", "datastore", "churn/customers.csv"),
            Port("weights", "array", "constant", [0.1, 0, -3]),
        ),
        outputs=(Port("scores.csv", "file"), Port("rows", "number")),
        typical_run_s=150,
        metrics=("auc",),
        runs_weight=1,
    ),
    PipelinePlan(
        name="churn-train",
        inputs=(
            Port("options", "json", "constant", {"depth": 4, "loss": None, "tags": []}),
            Port("balanced", "boolean", "endpoint", target=True),
        ),
        outputs=(
            Port("model", "file", "datastore", "churn/{execution_id}.bin"),
            Port("ok", "boolean"),
        ),
        branch="develop",
        typical_run_s=600,
        grows=True,
        runs_weight=1,
    ),
    PipelinePlan(
        name="image-resize",
        inputs=(Port("image", "file"), Port("width", "number", required=False, default=640)),
        outputs=(Port("thumbnail", "file"), Port("size", "array")),
        typical_run_s=4,
    ),
    PipelinePlan(
        name="text-embed",
        inputs=(Port("texts", "array"), Port("language", "string", required=False, default="")),
        outputs=(Port("vectors", "json"), Port("debug", "string", "is_null")),
        typical_run_s=3,
        logs_stream=True,
    ),
    PipelinePlan(
        name="legacy-report",
        inputs=(Port("year", "number", "constant", 2025), Port("draft", "boolean", "is_null")),
        outputs=(Port("report", "file", "datastore", "reports/{date}/report.csv"),),
        origin="local",
        typical_run_s=20,
    ),
    PipelinePlan(
        name="doc-ocr",
        inputs=(
            Port("scan", "file"),
            Port("licence", "string", "environment_variable", "OCR_LICENCE"),
            Port("pages", "number", required=False),
        ),
        outputs=(Port("text", "string"), Port("boxes", "json"), Port("archive", "file", "is_null")),
        typical_run_s=25,
        runs_weight=2,
    ),
)

DEPLOYMENTS = (
    DeploymentPlan(
        name="iris-nightly", pipeline="iris-train", rule="periodic", every_s=DAY_S, weight=3
    ),
    DeploymentPlan(
        name="fraud-api",
        pipeline="fraud-detect",
        rule="endpoint",
        every_s=40,
        weight=12,
        description="Called by the shop",
    ),
    DeploymentPlan(
        name="iris-api",
        pipeline="iris-predict",
        rule="endpoint",
        every_s=5 * MINUTE_S,
        weight=6,
        mode="low_latency",
    ),
    DeploymentPlan(
        name="billing-daily",
        pipeline="billing-export",
        rule="periodic",
        every_s=DAY_S,
        weight=4,
    ),
    DeploymentPlan(
        name="churn-hourly",
        pipeline="churn-score",
        rule="periodic",
        every_s=HOUR_S,
        weight=7,
    ),
    DeploymentPlan(
        name="churn-retrain",
        pipeline="churn-train",
        rule="periodic",
        every_s=DAY_S,
        weight=2,
    ),
    DeploymentPlan(
        name="resize-api",
        pipeline="image-resize",
        rule="endpoint",
        every_s=90,
        weight=6,
    ),
    DeploymentPlan(
        name="embed-api",
        pipeline="text-embed",
        rule="endpoint",
        every_s=2 * MINUTE_S,
        weight=5,
        mode="low_latency",
        parallel=4,
    ),
    DeploymentPlan(
        name="legacy-report-6h",
        pipeline="legacy-report",
        rule="periodic",
        every_s=6 * HOUR_S,
        weight=3,
        enabled=False,
    ),
    DeploymentPlan(
        name="ocr-api",
        pipeline="doc-ocr",
        rule="endpoint",
        every_s=10 * MINUTE_S,
        weight=3,
    ),
)
