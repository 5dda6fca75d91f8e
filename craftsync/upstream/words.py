"""Which keys of a payload hold whose words, and which a credential."""

import re
from enum import Enum, auto
from functools import lru_cache


class Whose(Enum):
    """Who chose the keys and texts at a place in a payload."""

    PLATFORM = auto()
    UNKNOWN = auto()  # below a key that is not known to us
    USER = auto()


# Their texts tell one object from another, or are of the platform's own vocabulary.
WORDS = frozenset(
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
# Below these the platform's words go on.
_ROOMS = frozenset(
    (
        *("steps", "inputs", "outputs", "mapping_value", "inputs_mapping", "outputs_mapping"),
        *("open_inputs", "open_outputs", "pipeline", "parameters", "creation_info", "pods"),
        *("container_config", "pipeline_template"),
    )
)
# Below these lies what users made.
_USERS = frozenset(("value", "constant_value", "default_value"))

KEYS = WORDS | _ROOMS | _USERS
KEYS |= {"repository_url", "repository_branch", "requirements_path", "datastore_path"}
KEYS |= {"description", "schedule", "human_readable_schedule", "endpoint_url_path"}
KEYS |= {"endpoint_token", "function_path", "function_name", "language"}

_CREDENTIALS = (
    *("endpointtoken", "accesstoken", "refreshtoken", "authtoken", "apitoken", "sessiontoken"),
    *("bearertoken", "sdktoken", "databasetoken", "apikey", "privatekey", "secretkey", "deploykey"),
    *("accesskey", "sshkey", "password", "passwd", "secret", "signedurl", "authorization"),
)
_HINTS = ('token":', 'key":', 'password":', 'passwd":', 'secret":', "signed", 'authorization":')

USER_INFO = re.compile(r"://([^/?#\s]*)@")
NO_PASSWORDS = frozenset(("", "x-oauth-basic"))
"""What stands in a URL in the place of a password where the user is the secret."""


def below(key: str, whose: Whose) -> Whose:
    """Tell who chose what lies below `key`, where `whose` is the key's own place."""
    if whose is not Whose.PLATFORM or key in _ROOMS:
        return whose
    return Whose.USER if key in _USERS else Whose.UNKNOWN


@lru_cache(maxsize=4096)
def names_credential(key: str, whose: Whose) -> bool:
    """Whether what stands under `key` is a secret by its name."""
    name = key.lower().replace("_", "").replace("-", "")
    # Where users speak of tokens, they may mean words.
    return name.endswith(_CREDENTIALS) or (whose is not Whose.USER and name.endswith("token"))


def may_hold_credentials(body: str) -> bool:
    """Tell quickly that no key of a compact JSON text names a credential, and no URL holds one."""
    lower = body.lower().replace("_", "").replace("-", "")
    for hint in _HINTS:
        if hint in lower:
            return True
    return "@" in body and USER_INFO.search(body) is not None
