"""Artifacts: every version of everything that runs made."""

from fastapi import APIRouter

from voxloop.server.api.opened import Opened
from voxloop.server.models import artifacts as models
from voxloop.store import ArtifactVersion

router = APIRouter(tags=["artifacts"])


@router.get("/artifacts", operation_id="listArtifacts")
def list_artifacts(project: Opened) -> list[models.Artifact]:
    """All versions by name, the oldest first."""
    return [artifact(version) for version in project.artifacts()]


def artifact(version: ArtifactVersion) -> models.Artifact:
    return models.Artifact(
        ref=version.ref,
        kind=version.kind,
        aliases=list(version.aliases),
        bytes=version.bytes,
        run_id=version.run_id,
        created=version.created,
    )
