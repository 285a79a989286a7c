"""Programs that are measured: those that stay and answer, and those that run once. Everything has a time limit."""
import json
import os
import select
import subprocess
import time


class BenchError(Exception):
    """Why something could not be measured, in a sentence for the table."""


def last_line(text):
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


class Resident:
    """A process that answers each line with a line of JSON; the first comes by itself."""

    def __init__(self, command, environment=None, limit_s=120):
        self.buffer = b""
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})})
        try:
            self.hello = self.answer(limit_s)
        except BenchError:
            self.close()
            raise

    def answer(self, limit_s):
        end = time.monotonic() + limit_s
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.close()
                raise BenchError(f"no answer within {limit_s:.0f} s")
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                self.close()
                raise BenchError(f"ended by itself, status {self.process.returncode}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(answer["error"])
        return answer

    def ask(self, command, limit_s=300):
        try:
            self.process.stdin.write(command.encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            self.close()
            raise BenchError(f"is gone: {error}") from error
        return self.answer(limit_s)

    def close(self):
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_once(command, environment=None, limit_s=300, merge=False):
    """(seconds, most memory in MB, standard output) of a program that has to end well; merge: standard error too."""
    begin = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT if merge else subprocess.DEVNULL,
                               env={**os.environ, **(environment or {})})
    output = b""
    while True:
        left = begin + limit_s - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            process.kill()
            process.wait()
            process.stdout.close()
            raise BenchError(f"not done within {limit_s:.0f} s")
        data = os.read(process.stdout.fileno(), 1 << 16)
        if not data:
            break
        output += data
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    text = output.decode(errors="replace")
    if process.returncode:
        raise BenchError(f"{os.path.basename(str(command[0]))} ended with status {process.returncode}: "
                         f"{last_line(text)}")
    return seconds, usage.ru_maxrss * 1024e-6, text
