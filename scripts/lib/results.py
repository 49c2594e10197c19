"""Reads xunit result files: prints failures and skips, and one line 'passed failed skipped' as the last."""
import sys
import xml.etree.ElementTree as ET


def text(test, path):
    found = test.find(path)
    return (found.text or "").strip() if found is not None else ""


def read(path):
    passed = failed = skipped = 0
    for assembly in ET.parse(path).getroot().iter("assembly"):
        passed += int(assembly.get("passed", 0))
        # errors: fixtures and clean-ups that failed outside of a test
        failed += int(assembly.get("failed", 0)) + int(assembly.get("errors", 0))
        skipped += int(assembly.get("skipped", 0))
        for test in assembly.iter("test"):
            if test.get("result") == "Fail":
                print("    FAILED  %s: %s" % (test.get("name"), text(test, "failure/message").split("\n")[0]))
            elif test.get("result") == "Skip":
                print("    skipped %s: %s" % (test.get("name"), text(test, "reason")))
        for error in assembly.iter("error"):
            print("    ERROR   %s %s: %s" % (error.get("type"), error.get("name"), text(error, "failure/message").split("\n")[0]))
    return passed, failed, skipped


if __name__ == "__main__":
    totals = [sum(column) for column in zip(*(read(path) for path in sys.argv[1:]))] or [0, 0, 0]
    print(*totals)
