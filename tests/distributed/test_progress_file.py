"""Progress that workers write to a file, and imports before a fit."""

from types import SimpleNamespace

from skmtl._records import StopReason
from skmtl.distributed._progress_file import FileProgress, show_progress

from ..estimators._process import run_python


def test_the_progress_line_shows_what_a_worker_writes(tmp_path, capsys):
    path = tmp_path / "progress.json"
    worker = FileProgress(path)
    with show_progress(path, 1, 3) as run:
        for epoch in range(3):
            history = SimpleNamespace(last_logs=lambda epoch=epoch: {"loss": 1.0 / (epoch + 1), "val_loss": 0.5})
            worker.update(0, history, epoch, epoch + 1)
        run.stop = StopReason.EPOCHS_USED
    assert "epoch 3/3" in capsys.readouterr().out


def test_importing_the_package_imports_neither_tensorflow_nor_ray():
    code = (
        "import sys, skmtl.distributed; print([name for name in ('tensorflow', 'keras', 'ray') if name in sys.modules])"
    )
    assert run_python(code).strip() == "[]"
