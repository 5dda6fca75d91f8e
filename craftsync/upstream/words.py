"""Which keys of the platform hold its own words, which the users', and which a credential."""

import re
from functools import lru_cache

# Their texts tell one object from another, or are of the platform's own vocabulary.
PLATFORMS = frozenset(
    (
        *("execution_id", "id", "pipeline_id", "deployment_id", "commit_id", "pod_id"),
        *("last_execution_id", "name", "pipeline_name", "deployment_name", "step_name"),
        *("input_name", "output_name", "pipeline_input_name", "pipeline_output_name"),
        *("step_input_name", "step_output_name", "endpoint_input_name", "endpoint_output_name"),
        *("run_input_name", "run_output_name", "environment_variable_name"),
        *("created_at", "created_by", "updated_at", "updated_by", "start_date", "end_date"),
        *("status", "update_status", "origin", "execution_rule", "type", "mode", "data_type"),
        *("mapping_type", "source", "destination", "is_null", "is_required", "is_enabled"),
        *("active", "is_archived"),
    )
)
# Below these the platform's words go on; below anything we do not know they do not.
ROOMS = frozenset(
    (
        *("steps", "inputs", "outputs", "mapping_value", "inputs_mapping", "outputs_mapping"),
        *("open_inputs", "open_outputs", "pipeline", "parameters", "creation_info", "pods"),
        *("container_config", "pipeline_template"),
    )
)
# Below these lies what users made.
USERS = frozenset(("value", "constant_value", "default_value"))

_CREDENTIALS = (
    *("endpointtoken", "accesstoken", "refreshtoken", "authtoken", "apitoken", "sessiontoken"),
    *("bearertoken", "sdktoken", "databasetoken", "apikey", "privatekey", "secretkey", "deploykey"),
    *("accesskey", "sshkey", "password", "passwd", "secret", "signedurl", "authorization"),
)
_HINTS = ('token":', 'key":', 'password":', 'passwd":', 'secret":', "signed", 'authorization":')

USER_INFO = re.compile(r"://([^/?#\s]*)@")


@lru_cache(maxsize=4096)
def names_credential(key: str, *, of_platform: bool) -> bool:
    """Whether what stands under `key` is a secret by its name."""
    name = key.lower().replace("_", "").replace("-", "")
    # Where users speak of tokens, they may mean words.
    return name.endswith(_CREDENTIALS) or (of_platform and name.endswith("token"))


def may_hold_credentials(body: str) -> bool:
    """Tell quickly that no key of a compact JSON text names a credential, and no URL holds one."""
    lower = body.lower()
    for hint in _HINTS:
        if hint in lower:
            return True
    return "@" in body and USER_INFO.search(body) is not None
