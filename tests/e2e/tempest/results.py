"""What became of each test, from a subunit stream on standard input: one JSON object a line on standard output."""
import json
import sys

import subunit
import testtools


def report(test):
    text = "".join(
        content.as_text()
        for name, content in sorted(test["details"].items())
        if name.startswith(("traceback", "reason"))
    )
    seconds = [time.timestamp() for time in test["timestamps"] if time is not None]
    print(
        json.dumps(
            {
                "id": test["id"],
                "status": test["status"],
                "text": text,
                "seconds": seconds[-1] - seconds[0] if seconds else 0,
            }
        )
    )


result = testtools.StreamToDict(report)
result.startTestRun()
subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name="stdout").run(result)
result.stopTestRun()
