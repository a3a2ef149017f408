"""The examples of the documentation run, and say what they are there to show."""

from __future__ import annotations

import subprocess
import sys

from support import ROOT, LiveTest

EXAMPLES = ROOT / "clients/python/examples"


class Examples(LiveTest):
    def run_example(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(EXAMPLES / name), "--data", str(self.server.data), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_the_desk_trades_with_the_venue_adapter(self) -> None:
        venue = self.run_example("venue.py", "--seconds", "60")
        assert venue.stdout is not None
        self.assertIn("connected", venue.stdout.readline())
        desk = self.run_example("desk.py", "--patience", "1.5")
        said, _ = desk.communicate(timeout=60)
        self.assertEqual(desk.returncode, 0, said)
        for line in (
            "asked what would be decided: OrderAccepted",
            "accepted: order",
            "filled: 50",
            "cancelling 50",
            "cancelled: 50",
        ):
            self.assertIn(line, said)
        desk = self.run_example("desk.py", "--price", "900")
        said, _ = desk.communicate(timeout=60)
        self.assertEqual(desk.returncode, 6)
        self.assertIn("PRICE_COLLAR (207)", said)
        self.assertIn("PRICE_COLLAR of FIRM 0 is 1000", said)

    def test_the_order_of_the_readme_is_accepted(self) -> None:
        text = (ROOT / "clients/python/README.md").read_text()
        program = text.split("```python\n")[1].split("```")[0]
        program = program.replace("127.0.0.1:7201", self.server.address)
        program = program.replace("portcullis-data", str(self.server.data))
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("accepted as order", done.stdout)
