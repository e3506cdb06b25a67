"""A Slurm of one machine: Debian's slurmctld, slurmd and munged, with a configuration of their own, for as long as a command runs.

    apt-get install slurm-wlm munge
    python -m tests.submit.slurm_here python -m pytest -m slurm tests/submit

Needs root, no systemd and no cgroups. Two processors; partition ``low`` is pre-empted by ``high``: its jobs get SIGTERM and
are queued again. Nothing of /etc is read but munge's key, and nothing outlives the command.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "srun", "scontrol", "squeue", "scancel")
CONFIGURATION = """
ClusterName=vesalius
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={controller}
SlurmdPort={node}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_min_interval=500000
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
JobRequeue=1
KillWait=20
MinJobAge=300
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=low Nodes={host} Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime={grace} MaxTime=60 State=UP
PartitionName=high Nodes={host} PriorityTier=10 PreemptMode=OFF MaxTime=60 State=UP
"""


def missing() -> list[str]:
    """Programs that are not installed."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [name for name in PROGRAMS if shutil.which(name, path=places) is None]


def port() -> int:
    """A port nobody uses now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def daemon(words: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    """``words`` in the foreground of a process of their own, ended with the block."""
    with log.open("wb") as out:
        child = subprocess.Popen(words, env=env, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def slurm(grace: int = 20) -> Iterator[dict[str, str]]:
    """The environment in which sbatch and its like reach a Slurm that is up. ``grace``: seconds between SIGTERM and the requeue."""
    if absent := missing():
        raise SystemExit(f"Not installed: {', '.join(absent)}. apt-get install slurm-wlm munge")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        folder.chmod(0o755)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        host = socket.gethostname().partition(".")[0]
        text = CONFIGURATION.format(host=host, folder=folder, controller=port(), node=port(), grace=grace)
        (folder / "slurm.conf").write_text(text)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        env["PATH"] = os.pathsep.join([env.get("PATH", ""), "/usr/sbin", "/sbin"])
        munge = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", f"--key-file={key}"]
        munge += [f"--pid-file={folder}/munge.pid", f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"]
        stack.enter_context(daemon(munge, env, folder / "munged.out"))
        stack.enter_context(daemon(["slurmctld", "-D", "-i", "-c", "-f", str(folder / "slurm.conf")], env, folder / "slurmctld.out"))
        stack.enter_context(daemon(["slurmd", "-D", "-f", str(folder / "slurm.conf")], env, folder / "slurmd.out"))
        end = time.monotonic() + 60
        while "idle" not in _asked(["sinfo", "--noheader", "--format", "%T"], env):
            if time.monotonic() > end:
                tails = [file.read_text(errors="replace")[-1500:] for file in sorted(folder.glob("*.[lo][ou][gt]"))]
                raise SystemExit("Slurm did not come up.\n" + "\n".join(tails))
            time.sleep(0.5)
        try:
            yield env
        finally:  # no step outlives the daemon that would end it
            _asked(["scancel", "--user", "root"], env)
            end = time.monotonic() + 60
            while _asked(["squeue", "--noheader"], env) and time.monotonic() < end:
                time.sleep(0.5)


def _asked(words: list[str], env: dict[str, str]) -> str:
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60).stdout


def main() -> None:
    """See the module."""
    with slurm() as env:
        code = subprocess.run(sys.argv[1:] or [os.environ.get("SHELL", "sh")], env=env, check=False).returncode
    sys.exit(code)


if __name__ == "__main__":
    main()
