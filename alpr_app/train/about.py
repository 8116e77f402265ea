"""What a run says of itself when it begins, for the report and for those who watch it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from alpr_app.data.run_folder import About
from alpr_app.train.loop import Task
from alpr_app.train.options import RunOptions


def about_run(task: Task, options: RunOptions, arguments: list[str]) -> About:
    """arguments: of the command line, as they were given."""
    known = dict(task.description)
    kind, config = known.pop("kind"), known.pop("config")
    known.pop("run", None)
    # Where other files lie is told by the arguments alone.
    settings = {name: value.name if isinstance(value, Path) else value for name, value in asdict(options).items()}
    # What is thrown away after training does not count, unless that is all there is.
    network = task.product(task.network) or task.network
    return About(
        kind=kind,
        steps=options.steps,
        batch_size=options.batch_size,
        judged_by=task.judged_by,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        options=settings,
        config=config,
        data={"labelled": task.dataset.labelled, **known},
        arguments=arguments,
        place=os.getcwd(),
    )
