"""What drawing a long answer costs, as the benchmark measures it: CPU time against the time that the stream takes."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_a_wide_stream_takes_less_than_15_percent_of_a_core():
    done = subprocess.run(
        [sys.executable, "benchmarks/genesis_screen.py", "--columns", "200", "--tokens", "5000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    share = re.search(r"= ([\d.]+)% of one core", done.stdout)
    assert share is not None, done.stdout
    assert float(share[1]) < 15
