"""Progress that workers write to a file, and what is imported before anything is fitted."""

from types import SimpleNamespace

from skmtl._records import StopReason
from skmtl.distributed._progress_file import FileProgress, reported

from ..estimators._process import run_python


def test_the_callers_line_follows_what_a_worker_writes(tmp_path, capsys):
    path = tmp_path / "progress.json"
    worker = FileProgress(path)
    with reported(path, 1, 3) as ending:
        for epoch in range(3):
            history = SimpleNamespace(last_logs=lambda epoch=epoch: {"loss": 1.0 / (epoch + 1), "val_loss": 0.5})
            worker.update(0, history, epoch, epoch + 1)
        ending.stop = StopReason.EPOCHS_USED
    assert "epoch 3/3" in capsys.readouterr().out


def test_importing_it_imports_neither_tensorflow_nor_ray():
    code = (
        "import sys, skmtl.distributed; print([name for name in ('tensorflow', 'keras', 'ray') if name in sys.modules])"
    )
    assert run_python(code).strip() == "[]"
