"""The project as a whole."""

from fastapi import APIRouter

from voxloop import __version__
from voxloop.server.api.opened import Opened
from voxloop.server.models import project as models

router = APIRouter(tags=["project"])


@router.get("/project", operation_id="getProject")
def get_project(project: Opened) -> models.ProjectInfo:
    """The name, place and size of the project."""
    return models.ProjectInfo(
        name=project.root.parent.name, root=str(project.root), version=__version__, runs=project.count_runs()
    )
