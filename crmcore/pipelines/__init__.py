"""Pipelines: boards with their forecast, moves and ages from the history, and moving records from stage to stage."""

from crmcore.pipelines.deals import Deal, open_deals
from crmcore.pipelines.figures import Board, StageFigures, board, stage_titles
from crmcore.pipelines.moves import stage_moves, stage_since
from crmcore.pipelines.moving import move, pipeline_named, pipelines_of, stage_named

__all__ = [
    "Board",
    "Deal",
    "StageFigures",
    "board",
    "move",
    "open_deals",
    "pipeline_named",
    "pipelines_of",
    "stage_moves",
    "stage_named",
    "stage_since",
    "stage_titles",
]
